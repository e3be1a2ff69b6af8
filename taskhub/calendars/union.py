"""Several calendars as one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from taskhub.calendars.calendar import BusinessCalendar
from taskhub.calendars.spans import unite


def open_spans(
    calendars: Iterable[BusinessCalendar], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """The stretches of [begin, end) in which at least one calendar is open, in order, never touching."""
    return unite(span for calendar in calendars for span in calendar.open_spans(begin, end))
