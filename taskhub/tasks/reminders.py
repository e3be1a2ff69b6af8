"""When somebody is reminded of paused work. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskhub.calendars import BusinessTime, CalendarProblem


def next_at(since: datetime, every: timedelta, after: datetime, calendar: BusinessTime) -> datetime:
    """The first instant after `after` of those that lie whole `every` behind `since`; in closed time the next opening.

    What a closed time, or an outage, held back is said once.
    """
    turn = since + every * max(1, (after - since) // every + 1)
    try:
        return calendar.next_opening(turn)
    except CalendarProblem:
        return turn
