"""Working-day arithmetic on local dates, and the dates rules count from."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from taskhub.calendars.business_time import BusinessTime
from taskhub.calendars.calendar import BusinessCalendar
from taskhub.calendars.problems import CalendarNeverOpens

_FIVE_YEARS = 1827
_ONE_DAY = timedelta(days=1)


def working_day_after(calendar: BusinessTime, on: date, count: int = 1) -> date:
    """The `count`-th working day after `on`, `on` itself never counted; CalendarNeverOpens after five dry years."""
    for _ in range(count):
        on = working_day_from(calendar, on + _ONE_DAY)
    return on


def working_day_from(calendar: BusinessTime, on: date) -> date:
    """`on` when it is a working day, else the first one after it; CalendarNeverOpens after five dry years."""
    for ahead in range(_FIVE_YEARS):
        day = on + timedelta(days=ahead)
        if calendar.working_day(day):
            return day
    raise CalendarNeverOpens([("", "no working day within five years")])


def first_working_day(calendar: BusinessTime, year: int, month: int) -> date | None:
    """The first working day of a month, None when it has none."""
    return next((day for day in _days_of_month(year, month) if calendar.working_day(day)), None)


def last_working_day(calendar: BusinessTime, year: int, month: int) -> date | None:
    """The last working day of a month, None when it has none."""
    return next((day for day in reversed(_days_of_month(year, month)) if calendar.working_day(day)), None)


def next_first_working_day(calendar: BusinessCalendar, after: datetime) -> datetime:
    """When the first working day of a month next opens, strictly after `after`: "every first working day"."""
    month = calendar.local_date(after).replace(day=1)
    for _ in range(_FIVE_YEARS // 30):
        first = first_working_day(calendar, month.year, month.month)
        opening = calendar.opens_on(first) if first else None
        if opening and opening > after:
            return opening
        month = month_after(month)
    raise CalendarNeverOpens([("", "no working day within five years")])


def days_before(calendar: BusinessCalendar, on: date, days: int) -> datetime:
    """The first open instant at or after the date `days` calendar days before `on`: "60 days before"."""
    return calendar.next_opening(calendar.local_time(on - timedelta(days=days), 0))


def month_after(on: date) -> date:
    """The first day of the following month.

    >>> month_after(date(2026, 12, 31))
    datetime.date(2027, 1, 1)
    """
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1)


def _days_of_month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [first + timedelta(days=offset) for offset in range((month_after(first) - first).days)]
