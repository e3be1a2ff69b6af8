"""The ledger of a clock: every stretch since the start, whether it counted, and why. Anyone can add it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskhub.calendars import BusinessTime, Interval, PauseSpan, cut
from taskhub.sla.clock import Pause, SlaClock, in_force


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch. `why` is open, closed, break, holiday or paused; a pause names its `reason` and `by` whom.

    An open stretch with a reason was set aside: with its person, but counting.
    """

    starts_at: datetime
    ends_at: datetime
    counted: bool
    why: str
    reason: str | None = None
    by: str | None = None

    @property
    def length(self) -> timedelta:
        """Real time from start to end."""
        return self.ends_at - self.starts_at

    @property
    def text(self) -> str:
        """The reason in one line, such as `paused: customer by ana`."""
        return f"{self.why}: {self.reason} by {self.by}" if self.reason else self.why


def ledger(clock: SlaClock, calendar: BusinessTime, until: datetime) -> tuple[Entry, ...]:
    """Entries from the start of the clock to `until` (or to when it was met), without gaps.

    The counted ones add up to `counted(clock, calendar, until)`. Of a pause only its open time is called paused; the
    night in between stays closed.
    """
    end = until if clock.met_at is None else min(until, clock.met_at)
    if end <= clock.ready_at:
        return ()
    stopping = [one for one in clock.pauses if one.stops_clock and clock.explicit_due_at is None]
    running = [one for one in clock.pauses if one not in stopping]
    stops, runs = _apart(stopping), _apart(running)
    return tuple(
        entry
        for interval in in_force(clock.laps, calendar).segments(clock.ready_at, end)
        for entry in _entries(interval, stops, runs, end)
    )


def counted_time(entries: Iterable[Entry]) -> timedelta:
    """The sum of the counted entries."""
    return sum((entry.length for entry in entries if entry.counted), timedelta())


def _entries(
    interval: Interval, stops: list[tuple[Pause, PauseSpan]], runs: list[tuple[Pause, PauseSpan]], end: datetime
) -> Iterator[Entry]:
    if not interval.counted:
        yield _entry(interval, None, end)
        return
    for piece, stop in cut(interval, [span for _, span in stops]):
        if stop is not None:
            yield _entry(piece, stops[stop][0], end, counted=False)
            continue
        for part, run in cut(piece, [span for _, span in runs]):
            yield _entry(part, None if run is None else runs[run][0], end)


def _entry(piece: Interval, waiting: Pause | None, end: datetime, *, counted: bool = True) -> Entry:
    return Entry(
        piece.starts_at,
        piece.ends_at or end,
        piece.counted and counted,
        piece.why if counted else "paused",
        waiting.reason if waiting else None,
        waiting.by if waiting else None,
    )


def _apart(pauses: list[Pause]) -> list[tuple[Pause, PauseSpan]]:
    """The pauses in order with their spans, each cut back to begin where the one before ended."""
    apart: list[tuple[Pause, PauseSpan]] = []
    busy_until: datetime | None = None
    for one in sorted(pauses, key=lambda one: one.starts_at):
        if apart and busy_until is None:
            break
        begin = one.starts_at if busy_until is None else max(one.starts_at, busy_until)
        if one.ends_at is None or begin < one.ends_at:
            apart.append((one, (begin, one.ends_at)))
            busy_until = one.ends_at
    return apart
