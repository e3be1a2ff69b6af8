"""Who waits longer when a queue goes ahead: an estimate from the order alone. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting task stands in the order."""

    id: str
    queue: str
    start_by: datetime
    created_at: datetime

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """The smallest goes first."""
        return self.start_by, self.created_at, self.id


@dataclass(frozen=True, slots=True)
class Moved:
    """A task that would stand at ``start_by`` instead."""

    place: Place
    start_by: datetime

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """Its new place."""
        return self.start_by, self.place.created_at, self.place.id


@dataclass(frozen=True, slots=True)
class Overtaken:
    """``moved``: tasks that change their place; ``tasks``: id -> by how many it is passed; ``queues``: their counts."""

    moved: int
    tasks: Sequence[tuple[str, str, int]]
    queues: dict[str, int]


def overtaken(ours: Iterable[Moved], others: Iterable[Place]) -> Overtaken:
    """The tasks that some of ours stood behind before and would stand before then, first in order first.

    Only the order is looked at: whether a person may take both, and what comes in meanwhile, is not known.
    """
    jumps = [one for one in ours if one.order < one.place.order]
    after, before = sorted(one.order for one in jumps), sorted(one.place.order for one in jumps)
    passed = []
    for other in sorted(others, key=lambda place: place.order):
        # Those that stand before it then, without those that stood before it anyway.
        count = bisect_left(after, other.order) - bisect_left(before, other.order)
        if count:
            passed.append((other.id, other.queue, count))
    return Overtaken(len(jumps), passed[:SHOWN], dict(Counter(queue for _, queue, _ in passed)))
