"""A second implementation of the clock, as plain as can be: it looks at local clocks minute by minute and counts.

It knows nothing of offsets, spans or totals: a minute is open when some opening holds it, and time is what was counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.calendars import MonthEnd, OpenTime, SameDay, Target, WorkingDays

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE = timedelta(days=1)
EPOCH = date(1970, 1, 1).toordinal()
MOST = 400 * 1440
IsOpen = Callable[[int], bool]
Span = tuple[int, int | None]


def minute_of(at: datetime) -> int:
    """Minutes since 1970."""
    return round(at.timestamp()) // 60


def instant_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


@cache
def readings(zone: str, on: date) -> dict[int, int]:
    """Every clock reading of a local date (minutes after midnight) -> the first minute at which clocks show it.

    A reading the clocks leap over lies as long after the leap as it lies after the leap's beginning.
    """
    tz, found = ZoneInfo(zone), {}
    first = minute_of(datetime(on.year, on.month, on.day, tzinfo=UTC)) - 15 * 60
    before = -1
    for minute in range(first, first + 54 * 60):
        shown = datetime.fromtimestamp(minute * 60, tz)
        if shown.date() != on:
            continue
        reading = shown.hour * 60 + shown.minute
        for leapt in range(before + 1, reading):
            found.setdefault(leapt, minute + leapt - before - 1)
        found.setdefault(reading, minute)
        before = max(before, reading)
    return found


class Stepper:
    """One calendar, from the same plain object as the real one."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.zone = str(spec["tz"])
        self.spec = spec
        self._starting: dict[date, list[range]] = {}
        self._near: dict[int, frozenset[int]] = {}
        self._served: dict[date, frozenset[int]] = {}

    def moment(self, on: date, reading: int) -> int:
        """The minute at which clocks show `reading` minutes after midnight; beyond midnight, on the next date."""
        there = readings(self.zone, on + ONE * (reading // 1440))
        return there[reading % 1440]

    def local(self, minute: int) -> date:
        return datetime.fromtimestamp(minute * 60, ZoneInfo(self.zone)).date()

    def closed(self, on: date) -> bool:
        named = on.isoformat()
        return named in self.spec.get("holidays", ()) and named not in self.spec.get("special_dates", {})

    def starting(self, on: date) -> list[range]:
        """The openings that start on that date, to their very end."""
        if on not in self._starting:
            special = self.spec.get("special_dates", {}).get(on.isoformat())
            texts = special if special is not None else self.spec["weekly"].get(DAYS[on.weekday()], [])
            exists = bool(readings(self.zone, on)) and not self.closed(on)
            self._starting[on] = [self._range(on, text) for text in texts] if exists else []
        return self._starting[on]

    def _range(self, on: date, text: str) -> range:
        begin, end = ((int(part[:2]) * 60 + int(part[3:])) for part in text.split("-"))
        return range(self.moment(on, begin), self.moment(on, end if end > begin else end + 1440))

    def is_open(self, minute: int) -> bool:
        day = minute // 1440
        if day not in self._near:
            near = date.fromordinal(EPOCH + day)
            self._near[day] = frozenset().union(*(self.served(near + ONE * away) for away in (-2, -1, 0, 1)))
        return minute in self._near[day]

    def holds(self, minute: int, on: date) -> bool:
        """Whether an opening that starts on that date is open in this minute."""
        if not any(minute in one for one in self.starting(on)):
            return False
        today = self.local(minute)
        off = (self._range(today, text) for text in self.spec.get("breaks", {}).get(today.isoformat(), ()))
        return not self.closed(today) and not any(minute in one for one in off)

    def served(self, on: date) -> frozenset[int]:
        """The minutes that are really open of the openings that start on that date."""
        if on not in self._served:
            minutes = (minute for one in self.starting(on) for minute in one)
            self._served[on] = frozenset(minute for minute in minutes if self.holds(minute, on))
        return self._served[on]

    def came_in(self, minute: int) -> date:
        """The working day a minute belongs to."""
        today = self.local(minute)
        return next((on for on in (today, today - ONE) if self.holds(minute, on)), today)


class Row:
    """Calendars one after the other: (until or None, calendar)."""

    def __init__(self, laps: Iterable[tuple[int, Stepper]], last: Stepper) -> None:
        self.laps, self.last = list(laps), last

    def of_minute(self, minute: int) -> Stepper:
        return next((one for until, one in self.laps if minute < until), self.last)

    def of_date(self, on: date) -> Stepper:
        """A date belongs to the calendar under which it ended."""
        return next((one for until, one in self.laps if one.moment(on + ONE, 0) <= until), self.last)

    def is_open(self, minute: int) -> bool:
        return self.of_minute(minute).is_open(minute)

    def working_day(self, on: date) -> bool:
        return bool(self.of_date(on).served(on))

    def next_working_day(self, on: date) -> date:
        on += ONE
        while not self.working_day(on):
            on += ONE
        return on


def counted(row: Row, begin: int, end: int, pauses: Iterable[Span] = ()) -> int:
    """Open, unpaused minutes in [begin, end)."""
    held = list(pauses)
    return sum(row.is_open(minute) and not (held and _paused(minute, held)) for minute in range(begin, end))


def due(target: Target, row: Row, ready: int, pauses: Iterable[Span] = ()) -> int | None:
    """The minute at which the target is due; None while an open pause holds it."""
    spans = sorted(pauses)
    if isinstance(target, OpenTime):
        return _used_up(row, ready, round(target.budget.total_seconds()) // 60, spans)
    moment = _promised(target, row, ready)
    for begin, end in spans:
        if begin >= moment:
            break
        if end is None:
            return None
        left = counted(row, max(begin, ready), moment)
        if end > ready and left == 0:
            moment = max(moment, end)
        elif end > ready and counted(row, max(begin, ready), end):
            moment = _used_up(row, end, left, [])  # type: ignore[assignment]
    return moment


def _used_up(row: Row, start: int, minutes: int, spans: list[Span]) -> int | None:
    for minute in range(start, start + MOST):
        if minutes == 0:
            return minute
        if any(end is None and begin <= minute for begin, end in spans):
            return None
        minutes -= row.is_open(minute) and not _paused(minute, spans)
    raise AssertionError("never")


def _paused(minute: int, spans: Iterable[Span]) -> bool:
    return any(begin <= minute and (end is None or minute < end) for begin, end in spans)


def _promised(target: Target, row: Row, ready: int) -> int:
    came_in = row.of_minute(ready).came_in(ready)
    if isinstance(target, WorkingDays):
        on = came_in
        for _ in range(target.days):
            on = row.next_working_day(on)
        return _after(row, on, target.minute, ready)
    if isinstance(target, SameDay):
        in_time = row.working_day(came_in) and ready < row.of_date(came_in).moment(came_in, target.cut_off)
        return _after(row, came_in if in_time else row.next_working_day(came_in), None, ready)
    assert isinstance(target, MonthEnd)
    first = came_in.replace(day=1)
    while True:
        after = (first + 31 * ONE).replace(day=1)
        days = [first + ONE * n for n in range((after - first).days)]
        last = next((on for on in reversed(days) if row.working_day(on)), None)
        if last is not None and (moment := _moment(row, last, target.minute)) > ready:
            return moment
        first = after


def _after(row: Row, on: date, reading: int | None, ready: int) -> int:
    while (moment := _moment(row, on, reading)) <= ready:
        on = row.next_working_day(on)
    return moment


def _moment(row: Row, on: date, reading: int | None) -> int:
    calendar = row.of_date(on)
    return max(calendar.served(on)) + 1 if reading is None else calendar.moment(on, reading)
