"""How much fits: what counts against a person's capacity, and what is left of it.

The one arithmetic behind every act that gives work and behind every pass. ``load`` (for ranking) is another figure: it
always counts paused work, by weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor

DEFAULT_CAPACITY = 3


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
