"""Two calendars in a row: one until an instant, another from then on. What was counted by the first stays counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from taskhub.calendars.business_time import BusinessTime
from taskhub.calendars.explain import Interval, join
from taskhub.calendars.spans import unite

_NOTHING = timedelta()
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spliced:
    """`before` counts up to `until`, `after` from then on; a local date belongs to `before` when it is over by then.

    Questions and answers are those of BusinessCalendar.
    """

    before: BusinessTime
    until: datetime
    after: BusinessTime

    def add(self, start: datetime, budget: timedelta) -> datetime:
        """The earliest instant by which `budget` of open time has passed since `start`."""
        if start >= self.until:
            return self.after.add(start, budget)
        left = self.before.elapsed(start, self.until)
        if not budget:
            return self.next_opening(start)
        if budget <= left:
            return self.before.add(start, budget)
        return self.after.add(self.until, budget - left)

    def elapsed(self, begin: datetime, end: datetime) -> timedelta:
        """Open time between two instants; ValueError when `end` lies before `begin`."""
        if begin >= self.until or end < begin:
            return self.after.elapsed(begin, end)
        if end <= self.until:
            return self.before.elapsed(begin, end)
        return self.before.elapsed(begin, self.until) + self.after.elapsed(self.until, end)

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself when open, else the first instant after it that is."""
        if at < self.until and self.before.elapsed(at, self.until) > _NOTHING:
            return self.before.next_opening(at)
        return self.after.next_opening(max(at, self.until))

    def segments(self, begin: datetime, end: datetime) -> Iterator[Interval]:
        """Intervals that fill [begin, end] without gaps, each with whether it counts and why."""
        return join(self._segments(begin, end))

    def _segments(self, begin: datetime, end: datetime) -> Iterator[Interval]:
        if begin < self.until:
            yield from self.before.segments(begin, min(end, self.until))
        if end > self.until or begin >= self.until:
            yield from self.after.segments(max(begin, self.until), end)

    def local_time(self, on: date, minute: int) -> datetime:
        """The instant at which local clocks show `minute` minutes after midnight of that date."""
        return self._of(on).local_time(on, minute)

    def working_day(self, on: date) -> bool:
        """Whether some opening that starts on that date is really open."""
        return self._of(on).working_day(on)

    def closes_on(self, on: date) -> datetime | None:
        """When the last opening that starts on that date closes; None when it is no working day."""
        return self._of(on).closes_on(on)

    def business_date(self, at: datetime) -> date:
        """The working day `at` belongs to."""
        return (self.before if at < self.until else self.after).business_date(at)

    def _of(self, on: date) -> BusinessTime:
        return self.before if self.before.local_time(on + _ONE_DAY, 0) <= self.until else self.after


def agree(one: BusinessTime, other: BusinessTime, begin: datetime, end: datetime) -> bool:
    """Whether both count the same stretches between two instants; true where there is nothing between them."""
    return begin >= end or one == other or _open(one, begin, end) == _open(other, begin, end)


def _open(calendar: BusinessTime, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    counted = (piece for piece in calendar.segments(begin, end) if piece.counted)
    return unite((piece.starts_at, piece.ends_at or end) for piece in counted)
