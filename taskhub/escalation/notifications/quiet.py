"""Quiet hours: in which nothing but what is urgent leaves, each in the reader's own zone. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from taskhub.calendars import BusinessCalendar, Opening, open_spans
from taskhub.policy.promise import Weekly

_DAY = timedelta(days=1)
_WEEK = timedelta(days=8)


def until(time_zone: str, quiet_hours: Weekly, now: datetime) -> datetime | None:
    """When the quiet that holds at ``now`` ends; None where nothing holds. Neighbouring stretches are one.

    >>> from datetime import UTC
    >>> until("Europe/Paris", (("mon", ("20:00-07:00",)),), datetime(2026, 1, 5, 22, tzinfo=UTC)).isoformat()
    '2026-01-06T06:00:00+00:00'
    """
    if not quiet_hours:
        return None
    spans = open_spans([_calendar(time_zone, quiet_hours)], now - _DAY, now + _WEEK)
    return next((end for begin, end in spans if begin <= now < end), None)


@lru_cache(maxsize=1024)
def _calendar(time_zone: str, quiet_hours: Weekly) -> BusinessCalendar:
    return BusinessCalendar("quiet", time_zone, {day: tuple(map(Opening.parse, times)) for day, times in quiet_hours})
