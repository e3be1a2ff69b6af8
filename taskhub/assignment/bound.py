"""How long a task waits at most, as far as it can be computed: shown per queue and priority. Pure.

Two things bound a wait. **The order**: a task has a stored ``start_by``, at the latest ``max_wait`` of its priority
after it became ready, and nothing that becomes ready after that instant is given before it. **The hands**: what stands
before it now is so many expected minutes, and so many people of the pool are on shift to do them:

    wait = minutes ahead / people on shift

"Ahead" are the waiting tasks of every queue that shares people with this one whose ``start_by`` lies before that of a
task of the priority which becomes ready now. It is an estimate from above as far as the files' expected minutes are
right: those people may serve only a part of these queues, and what comes in meanwhile goes in front only while it is
more urgent. Nobody on shift: no figure, the queue waits for the next shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Bound:
    """``max_wait`` in open time of the queue's calendar; ``wait`` in working time of its people, None = unknown."""

    max_wait: timedelta
    ahead: int
    minutes_ahead: float
    wait: timedelta | None


def wait(minutes_ahead: float, people: int) -> timedelta | None:
    """The formula above.

    >>> wait(90, 3), wait(90, 0)
    (datetime.timedelta(seconds=1800), None)
    """
    return timedelta(minutes=minutes_ahead / people) if people > 0 else None


def bounds(max_wait: Mapping[str, timedelta], ahead: Mapping[str, tuple[int, float]], people: int) -> dict[str, Bound]:
    """The bound of each priority; ``ahead`` counts tasks and their minutes."""
    found = {}
    for priority, longest in max_wait.items():
        count, minutes = ahead.get(priority, (0, 0.0))
        found[priority] = Bound(longest, count, minutes, wait(minutes, people))
    return found
