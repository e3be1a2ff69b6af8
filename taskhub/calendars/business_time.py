"""What sums of business time need of a calendar, whether one calendar gives it or several, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Protocol

from taskhub.calendars.explain import Interval


class BusinessTime(Protocol):
    """Instants are aware, durations real seconds; what each question means stands at BusinessCalendar."""

    def add(self, start: datetime, budget: timedelta) -> datetime: ...

    def elapsed(self, begin: datetime, end: datetime) -> timedelta: ...

    def next_opening(self, at: datetime) -> datetime: ...

    def segments(self, begin: datetime, end: datetime) -> Iterator[Interval]: ...

    def local_time(self, on: date, minute: int) -> datetime: ...

    def working_day(self, on: date) -> bool: ...

    def closes_on(self, on: date) -> datetime | None: ...

    def business_date(self, at: datetime) -> date: ...
