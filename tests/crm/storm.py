"""The weather of a story: every fault of a fake at once, drawn anew from time to time; none at all on a quiet day."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from taskhub.testing.crm.faults import KINDS
from taskhub.testing.crm.sender import Answer, Parcel

RATES = (0.05, 0.1, 0.4)  # a look is up to twenty calls: in the worst of it none comes to its end
AGAIN = ("salesforce", "dynamics")  # tells once more what we did not take
BLINDS = {"pipedrive": {"banned"}, "salesforce": {"gaps", "overflow"}, "dynamics": {"stripped"}}
EACH = 0.3  # so that in a third of the storms every word arrives, whole, and before any look


@dataclass
class Storm:
    """What a storm may do to words is drawn once, so that some storms leave them whole.

    ``lossy``: they get lost on their way; ``blind``: they say less, or leave not at all; ``slow``: they are held up,
    so that looks come long before them, just now when ``stalled``.
    """

    system: str
    chance: random.Random | None
    lossy: bool = False
    blind: bool = False
    slow: bool = False
    stalled: bool = False
    quiet: bool = field(init=False)
    struck: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quiet = self.chance is None
        if self.chance is not None:
            self.lossy, self.blind, self.slow = (self.chance.random() < EACH for _ in range(3))

    @property
    def hides(self) -> bool:
        """Whether looks have to stand in for words."""
        return self.lossy or self.blind

    def blow(self, fake: Any, *, ban: bool) -> None:
        """The faults of the next while. ``ban``: Pipedrive may tell nothing meanwhile, nor later."""
        if self.chance is None:
            return
        faults, draw = fake.faults, self.chance.random
        faults.chance, faults.rate, faults.shuffle = self.chance, self.chance.choice(RATES), self.chance
        faults.copies, faults.latency = self.chance.choice((1, 1, 2)), self.chance.choice((0, 0, 1, 3))
        faults.stripped, faults.gaps, faults.overflow, banned = (self.blind and draw() < 0.3 for _ in range(4))
        faults.banned = banned and ban and self.system == "pipedrive"
        self.stalled = self.slow and draw() < 0.4

    def takes(self, parcel: Parcel) -> Answer | None:
        """What becomes of a word on its way to us; None: it arrives.

        Pipedrive lists no deletions: only its word tells that a lead is gone, so that word is not lost.
        """
        if self.chance is None or not self.lossy or b'"action":"delete"' in parcel.body or self.chance.random() < 0.6:
            return None
        self.struck.add("lost")
        return Answer(503 if self.system in AGAIN and self.chance.random() < 0.5 else 200)

    def calm(self, fake: Any) -> None:
        """It is over."""
        self.struck |= fake.faults.struck
        fake.faults.clear()
        self.chance, self.stalled = None, False


def switches(system: str) -> set[str]:
    """All that storms of a system do."""
    return {*KINDS, "latency", "copies", "shuffle", "lost", "stalled", *BLINDS[system]}
