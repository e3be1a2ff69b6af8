"""What happens in a story, drawn from its seed."""

from __future__ import annotations

import random
from typing import NamedTuple

ENDS = ("won", "lost", "asked")
CLOSED = ("welcome", "offer")  # kinds of work that end where the deal is lost


class Plot(NamedTuple):
    """The same in the quiet and in the stormy run."""

    seed: int
    asks: bool  # for the conversion, here
    end: str  # won, lost or asked: lost, and said so here
    image: bool  # Dataverse sends what was before

    def of(self, kind: str) -> tuple[str, str, bool]:
        """Who has the work of a kind, where it is done, and whether at once."""
        chance = random.Random(f"{self.seed} {kind}")
        at_once = chance.random() < 0.5 and not (kind in CLOSED and self.end != "won")
        return chance.choice(("sue", "bob")), chance.choice(("here", "there")), at_once


def plot_of(seed: int) -> Plot:
    """Any six in a row have each end, with the conversion asked for here and with it done over there."""
    image = random.Random(f"plot {seed}").random() < 0.7
    return Plot(seed, asks=seed % 2 == 0, end=ENDS[seed % 3], image=image)
