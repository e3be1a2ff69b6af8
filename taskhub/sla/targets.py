"""When a target is due: open time, working days, cut-offs and month ends, with pauses taken out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from taskhub.calendars import (
    BusinessTime,
    CalendarNeverOpens,
    MonthEnd,
    OpenTime,
    PauseSpan,
    SameDay,
    Target,
    WorkingDays,
    due_after,
    in_order,
    last_working_day,
    month_after,
    working_day_after,
)

_MONTHS_IN_FIVE_YEARS = 61


def due(
    target: Target, calendar: BusinessTime, ready_at: datetime, pauses: Iterable[PauseSpan] = ()
) -> datetime | None:
    """The due time of work that became ready at `ready_at`; None while an open pause holds it.

    `pauses` are (from, to or None) and count as closed time. Raises PauseProblem when they overlap,
    CalendarNeverOpens and SpanTooLong as the calendar does.
    """
    if isinstance(target, OpenTime):
        return due_after(calendar, ready_at, target.budget, pauses)
    return postpone(calendar, ready_at, promised(target, calendar, ready_at), pauses)


def promised(target: Target, calendar: BusinessTime, ready_at: datetime) -> datetime:
    """The due time without any pause, always after `ready_at`.

    The day work comes in is the working day `ready_at` belongs to (of a night shift: the date it started) and is
    never counted: two working days from a Friday, a Friday evening or a Saturday are all Tuesday.
    """
    came_in = calendar.business_date(ready_at)
    match target:
        case OpenTime(budget):
            return calendar.add(ready_at, budget)
        case WorkingDays(days, minute):
            return _first_after(calendar, working_day_after(calendar, came_in, days), minute, ready_at)
        case SameDay(cut_off):
            in_time = calendar.working_day(came_in) and ready_at < calendar.local_time(came_in, cut_off)
            return _first_after(calendar, came_in if in_time else working_day_after(calendar, came_in), None, ready_at)
        case MonthEnd(minute):
            return _month_end(calendar, came_in, minute, ready_at)


def postpone(
    calendar: BusinessTime, ready_at: datetime, due_at: datetime, pauses: Iterable[PauseSpan]
) -> datetime | None:
    """A promised instant moved on by the open time of the pauses before it; None while one of them is open.

    A pause that takes no open time moves nothing, except that a due time inside it waits for its end.
    """
    for begin, end in in_order(pauses):
        if begin >= due_at:
            break
        if end is None:
            return None
        if end <= ready_at:
            continue
        paused_at = max(begin, ready_at)
        left = calendar.elapsed(paused_at, due_at)
        if not left:
            due_at = max(due_at, end)
        elif calendar.elapsed(paused_at, end):
            due_at = calendar.add(end, left)
    return due_at


def _first_after(calendar: BusinessTime, day: date, minute: int | None, after: datetime) -> datetime:
    while (moment := _moment(calendar, day, minute)) <= after:
        day = working_day_after(calendar, day)
    return moment


def _month_end(calendar: BusinessTime, came_in: date, minute: int | None, after: datetime) -> datetime:
    month = came_in.replace(day=1)
    for _ in range(_MONTHS_IN_FIVE_YEARS):
        last = last_working_day(calendar, month.year, month.month)
        if last and (moment := _moment(calendar, last, minute)) > after:
            return moment
        month = month_after(month)
    raise CalendarNeverOpens([("", "no working day within five years")])


def _moment(calendar: BusinessTime, day: date, minute: int | None) -> datetime:
    closing = calendar.closes_on(day) if minute is None else None
    return closing or calendar.local_time(day, 0 if minute is None else minute)
