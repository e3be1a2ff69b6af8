"""When help is called: the part of the waiting tasks that would begin too late, with hysteresis. Pure.

Forecast: tasks go in their order to the specialists who are there now; a task begins when the work ahead of it, shared
among them, is done. Help is no part of the forecast, or it would send itself away. It comes when more than the limit
would be late, and leaves when less than half of the limit would.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CLOSES_BELOW = 0.5


class Ahead(NamedTuple):
    """One waiting task: minutes of work in it, and minutes of the queue's open time until it must be begun."""

    minutes: float
    left: float


def late_fraction(waiting: Iterable[Ahead], people: float, busy_minutes: float = 0.0) -> float:
    """The part of the waiting tasks, given in the order they will go, that would begin too late; 0 to 1.

    ``people``: specialists at work now, in full heads; ``busy_minutes``: what they still have in hand, all together.

    >>> late_fraction([Ahead(30, 60), Ahead(30, 20), Ahead(30, 60), Ahead(30, 80)], people=1)
    0.5
    """
    ahead, late, count = busy_minutes, 0, 0
    for task in waiting:
        count += 1
        late += people <= 0 or ahead / people > task.left
        ahead += task.minutes
    return late / count if count else 0.0


def opens(late: float, limit: float, *, was_open: bool) -> bool:
    """Whether the pool is open: ``limit`` is the model's at_risk_fraction.

    >>> [opens(late, 0.2, was_open=False) for late in (0.2, 0.21)], [opens(l, 0.2, was_open=True) for l in (0.1, 0.09)]
    ([False, True], [True, False])
    """
    return late >= limit * CLOSES_BELOW if was_open else late > limit
