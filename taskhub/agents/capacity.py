"""How much fits: what counts against a person's capacity, and what is left of it.

The one arithmetic behind every act that gives work and behind every pass. ``load`` (for ranking) is another figure: it
always counts paused work, by weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor

DEFAULT_CAPACITY = 3
# After a time away of at least RAMP_AFTER only RAMP_SHARE of the capacity is used for RAMP_FOR, unless told otherwise.
RAMP_AFTER = timedelta(hours=8)
RAMP_FOR = timedelta(hours=2)
RAMP_SHARE = 0.5

Away = tuple[datetime, datetime, float | None]


@dataclass(frozen=True, slots=True)
class Open:
    """Open work of one person in one queue, in tasks (or in minutes, where that is the unit)."""

    assigned: float = 0
    in_progress: float = 0
    paused: float = 0
    paused_counts: bool = False

    @property
    def held(self) -> float:
        """What counts against the capacity.

        >>> Open(assigned=1, in_progress=1, paused=5).held
        2
        """
        return self.assigned + self.in_progress + (self.paused if self.paused_counts else 0)


def ramp_end(aways: Iterable[Away], now: datetime) -> datetime | None:
    """Until when a person is ramping up: ``aways`` are (from, until, seconds of ramp or None) of times that are over.

    >>> from datetime import UTC
    >>> back = datetime(2026, 1, 5, 9, tzinfo=UTC)
    >>> ramp_end([(back - timedelta(days=7), back, None)], back).isoformat()
    '2026-01-05T11:00:00+00:00'
    """
    ends = [until + _ramp(since, until, told) for since, until, told in aways if until <= now]
    return max((end for end in ends if end > now), default=None)


def _ramp(since: datetime, until: datetime, told: float | None) -> timedelta:
    if told is not None:
        return timedelta(seconds=told)
    return RAMP_FOR if until - since >= RAMP_AFTER else timedelta()


def effective(capacity: float, ramp_share: float, ramp_until: datetime | None, now: datetime) -> float:
    """The capacity that holds now: after a return only a share of it, at least one task unless it is zero anyway.

    >>> from datetime import UTC
    >>> effective(5, 0.5, datetime(2026, 1, 9, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC))
    2
    """
    if ramp_until is None or now >= ramp_until or capacity <= 0:
        return capacity
    return min(capacity, max(1, floor(capacity * ramp_share)))


def free(capacity: float, held: float) -> int:
    """How many more tasks fit; lowering a capacity takes nothing away, so this never falls below zero.

    >>> free(3, 5)
    0
    """
    return max(0, ceil(capacity - held))


def minutes_left(limit: float | None, held_minutes: float) -> bool:
    """Whether another task fits where capacity counts expected minutes; the task that crosses the limit is the last.

    A task longer than the whole limit could otherwise never be given to anybody.
    """
    return limit is None or held_minutes < limit
