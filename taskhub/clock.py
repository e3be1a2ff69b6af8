"""The one place that turns real time into taskhub's time.

Normally the two are the same. In a demo one row (``DemoClock``) makes time run faster from a Monday in the past and
jump over hours in which nobody works; every process derives the same ``now`` from that row and the database clock.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Maps real instants (database clock) to taskhub's instants and back over short spans."""

    def at(self, real: datetime) -> datetime:
        """taskhub's now when the database clock shows ``real`` (both aware UTC)."""
        ...

    def after(self, real: datetime, wait: timedelta) -> datetime:
        """taskhub's instant when ``wait`` of real time has passed after ``real``: leases, retries, undo delays."""
        ...


@dataclass(frozen=True, slots=True)
class WallClock:
    """taskhub's time is real time."""

    def at(self, real: datetime) -> datetime:
        return real

    def after(self, real: datetime, wait: timedelta) -> datetime:
        return real + wait


@dataclass(frozen=True, slots=True)
class DemoClock:
    """Time that runs ``speed`` times as fast through ``spans`` (aware UTC, ascending, disjoint) and skips the rest.

    ``origin`` is the real instant at which ``spans[0]`` began. Real time is never passed: from then on speed is 1.
    """

    origin: datetime
    speed: float
    spans: tuple[tuple[datetime, datetime], ...]

    def at(self, real: datetime) -> datetime:
        served = max(timedelta(), (real - self.origin) * self.speed)
        for start, end in self.spans:
            if served <= end - start:
                return min(start + served, real)
            served -= end - start
        return real

    def after(self, real: datetime, wait: timedelta) -> datetime:
        return self.at(real + wait)

    def real(self, instant: datetime) -> datetime:
        """The first real instant at which taskhub's clock shows ``instant`` or later (inverse of ``at``)."""
        index = bisect_right([start for start, _ in self.spans], instant) - 1
        served = sum((end - start for start, end in self.spans[: max(index, 0)]), timedelta())
        if index >= 0:
            start, end = self.spans[index]
            served += min(instant, end) - start
        return self.origin + served / self.speed


def real_now() -> datetime:
    """The process' own clock, aware UTC: for signatures, tokens and logs only, never for leases or due times."""
    return datetime.now(UTC)
