"""The weather of a story: every fault of a fake at once, drawn anew from time to time; none at all on a quiet day."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from taskhub.testing.crm.sender import Answer, Parcel

RATES = (0.0, 0.1, 0.4)  # a look is up to twenty calls: in the worst of it none comes to its end
AGAIN = ("salesforce", "dynamics")  # tells once more what we did not take


@dataclass
class Storm:
    """``lossy``: words get lost on their way; ``stalled``: they are held up just now.

    What it has done so far: ``hides``: words have gone for good; ``stalls``: looks may have come long before words.
    """

    system: str
    chance: random.Random | None
    lossy: bool = False
    stalled: bool = False
    hides: bool = False
    stalls: bool = False
    lost: list[Parcel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lossy = self.hides = self.chance is not None and self.chance.random() < 0.3

    def blow(self, fake: Any, *, ban: bool) -> None:
        """The faults of the next while. ``ban``: Pipedrive may tell nothing meanwhile, nor later."""
        if self.chance is None:
            return
        faults, draw = fake.faults, self.chance.random
        faults.chance, faults.rate, faults.shuffle = self.chance, self.chance.choice(RATES), self.chance
        faults.copies, faults.latency = self.chance.choice((1, 1, 2)), self.chance.choice((0, 0, 1, 3))
        faults.stripped, faults.gaps, faults.overflow = (draw() < 0.2 for _ in range(3))
        faults.banned = draw() < 0.25 and ban and self.system == "pipedrive"
        self.stalled = draw() < 0.2
        self.stalls = self.stalls or self.stalled
        blind = {"pipedrive": faults.banned, "salesforce": faults.gaps or faults.overflow, "dynamics": faults.stripped}
        self.hides = self.hides or blind[self.system]

    def takes(self, parcel: Parcel) -> Answer | None:
        """What becomes of a word on its way to us; None: it arrives.

        Pipedrive lists no deletions: only its word tells that a lead is gone, so that word is not lost.
        """
        if self.chance is None or not self.lossy or b'"action":"delete"' in parcel.body or self.chance.random() < 0.6:
            return None
        self.lost.append(parcel)
        return Answer(503 if self.system in AGAIN and self.chance.random() < 0.5 else 200)

    def calm(self, fake: Any) -> None:
        """It is over."""
        fake.faults.clear()
        self.chance, self.stalled = None, False
