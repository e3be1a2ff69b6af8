"""When the demo plays: from a Monday at least thirteen weeks back on, through the hours in which somebody works."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from taskhub.calendars import BusinessCalendar, open_spans
from taskhub.clock import Clock, real_now
from taskhub.db.tx import Tx
from taskhub.demo import store
from taskhub.errors import InvalidInput
from taskhub.policy.policies import Policies

BACK = timedelta(weeks=13)
NINE = 9


def calendars_in_use(policies: Policies) -> list[BusinessCalendar]:
    """The calendars by which queues work; the one with the longest week comes first."""
    found = {queue.calendar: policies.calendar_of(queue.key) for queue in policies.queues.values()}
    return sorted(found.values(), key=_week, reverse=True)


def _week(calendar: BusinessCalendar) -> int:
    return sum(one.closes - one.opens for openings in calendar.weekly.values() for one in openings)


def first_monday(today: datetime, zone: str) -> datetime:
    """Nine o'clock of the last Monday that lies at least thirteen weeks back.

    >>> from datetime import UTC
    >>> first_monday(datetime(2026, 11, 23, 15, tzinfo=UTC), "Europe/Paris").isoformat()
    '2026-08-24T09:00:00+02:00'
    """
    local = (today - BACK).astimezone(ZoneInfo(zone))
    monday = local.date() - timedelta(days=local.weekday())
    start = datetime(monday.year, monday.month, monday.day, NINE, tzinfo=ZoneInfo(zone))
    return start if start <= local else start - timedelta(weeks=1)


def later(clock: Clock, speed: float, minutes: float) -> datetime:
    """taskhub's instant when so many minutes of a demo have passed: never one of the hours that are skipped.

    What is said of an evening's last minute would else be over when the call arrives the next morning.
    """
    return clock.after(real_now(), timedelta(minutes=minutes) / speed)


def start_clock(tx: Tx, calendars: Iterable[BusinessCalendar], speed: float) -> int:
    """Starts the clock, or goes on where history ends. Returns the number of the newest history row.

    Raises InvalidInput for a database in which real work has been done.
    """
    row, last = store.newest(tx.conn)
    if last is not None and not store.is_demo(tx.conn):
        raise InvalidInput("Real work stands in this database; a demo would bend its time. Choose another with --data.")
    known = list(calendars)
    begin = last or first_monday(tx.real_now, known[0].tz)
    spans = open_spans(known, begin, tx.real_now) if begin < tx.real_now else []
    store.put_clock(tx.conn, tx.real_now, speed, spans)
    return row
