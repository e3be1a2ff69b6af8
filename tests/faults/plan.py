"""How much of a campaign there is, and the events of a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.faults import feed

PEOPLE = {
    "contract-desk": ["ann", "bob", "cy"],
    "front-line": ["dee", "eve", "fay"],
    "night-desk": ["nia", "ole", "pia"],
}
CLAIMERS = ("dee", "eve", "fay")
NIGHT = ("nia", "ole", "pia")
CAPACITY = 40


@dataclass(frozen=True)
class Plan:
    """What a run consists of. Everything random comes from ``seed``; only the speed of the machine does not.

    events: in a run · most: in one body · every: so many deals for one that people work on · pause: mean seconds
    between bodies · strikes: blows of a run, 0 = as many as the fault has · away: seconds a server stays away ·
    crashes: of forked children in a run.
    """

    seed: int = 1
    events: int = 400
    most: int = 20
    every: int = 12
    pause: float = 0.3
    strikes: int = 0
    away: float = 60.0
    crashes: int = 120
    begin: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2))

    def batches(self) -> list[list[dict[str, Any]]]:
        """The events in bodies of uneven size."""
        chance, found = Random(self.seed), []
        rest = feed.stream(self.events, self.seed, self.begin)
        while rest:
            size = chance.randint(1, self.most)
            found.append(rest[:size])
            rest = rest[size:]
        return found

    def deals(self) -> list[str]:
        """The deals whose data people check."""
        return feed.deals_to_work_on([event for batch in self.batches() for event in batch], self.every)
