"""Working-day arithmetic on local dates, and the dates rules count from."""

from __future__ import annotations

from collections.abc import Iterator
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


def month_begun(calendar: BusinessCalendar, by: datetime) -> tuple[date, datetime] | None:
    """The newest month whose first working day has opened by then: its first date, and that opening.

    None when that happened in none of the last five years.
    """
    month = calendar.local_date(by).replace(day=1)
    for _ in range(_FIVE_YEARS // 30):
        opening = _month_opens(calendar, month)
        if opening is not None and opening <= by:
            return month, opening
        month = (month - _ONE_DAY).replace(day=1)
    return None


def months_begun(calendar: BusinessCalendar, since: datetime, until: datetime) -> Iterator[tuple[date, datetime]]:
    """Each month whose first working day opened between the two instants, as in month_begun."""
    month = calendar.local_date(since).replace(day=1)
    while month <= calendar.local_date(until):
        opening = _month_opens(calendar, month)
        if opening is not None and since <= opening <= until:
            yield month, opening
        month = month_after(month)


def month_after(on: date) -> date:
    """The first day of the following month.

    >>> month_after(date(2026, 12, 31))
    datetime.date(2027, 1, 1)
    """
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1)


def _month_opens(calendar: BusinessCalendar, month: date) -> datetime | None:
    first = first_working_day(calendar, month.year, month.month)
    return calendar.opens_on(first) if first else None


def _days_of_month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [first + timedelta(days=offset) for offset in range((month_after(first) - first).days)]
