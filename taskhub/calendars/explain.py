"""Why each stretch of time counted or did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from taskhub.calendars.hours import Day, Hours
from taskhub.calendars.instants import DAY, EPOCH_ORDINAL, to_instant, to_micros
from taskhub.calendars.timeline import check_reach

WHY = ("open", "closed", "break", "holiday", "paused")


@dataclass(frozen=True, slots=True)
class Interval:
    """One stretch with one reason, a word of WHY. `ends_at` is None only for a pause that is still open."""

    starts_at: datetime
    ends_at: datetime | None
    counted: bool
    why: str

    @property
    def length(self) -> timedelta:
        """Real time from start to end; zero while the end is unknown."""
        return (self.ends_at or self.starts_at) - self.starts_at


def explain(hours: Hours, begin: datetime, end: datetime) -> Iterator[Interval]:
    """Intervals filling [begin, end], both in UTC, without gaps; neighbours of equal reason are joined."""
    check_reach(end - begin)
    earliest, latest = to_micros(begin), to_micros(end)
    return join(
        Interval(to_instant(max(first, earliest)), to_instant(min(last, latest)), why == "open", why)
        for first, last, why in _labels(hours, earliest, latest)
        if max(first, earliest) < min(last, latest)
    )


def _labels(hours: Hours, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
    ordinal = begin // DAY + EPOCH_ORDINAL - 1
    while (day := hours.day(ordinal)).begins < end:
        yield from _day_labels(day)
        ordinal += 1


def _day_labels(day: Day) -> Iterator[tuple[int, int, str]]:
    rest = "holiday" if day.holiday else "closed"
    known = [(*span, "open") for span in day.open] + [(*span, "break") for span in day.on_break]
    position = day.begins
    for first, last, why in sorted(known):
        yield position, first, rest
        yield first, last, why
        position = last
    yield position, day.ends, rest


def join(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """The same stretches, neighbours of equal reason joined."""
    current: Interval | None = None
    for interval in intervals:
        if current and current.why == interval.why:
            current = replace(current, ends_at=interval.ends_at)
            continue
        if current:
            yield current
        current = interval
    if current:
        yield current
