"""What goes wrong: the switches that all fakes have."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

LIMITED = "limited"  # 429 with the system's own headers
EXPIRED = "expired"  # 401: keys given so far are no good any more
BROKEN = "broken"  # 500, nothing was done
BROKEN_LATE = "broken_late"  # 500, and it was done
CUT_EARLY = "cut_early"  # the connection breaks before anything was done
CUT = "cut"  # the connection breaks after the write was done
KINDS = (LIMITED, EXPIRED, BROKEN, BROKEN_LATE, CUT_EARLY, CUT)


@dataclass
class Faults:
    """Switches of one fake.

    ``planned``: what befalls the next calls, one each ("" lets a call pass). After them ``chance`` decides, with
    probability ``rate``, among ``among``. ``latency``: seconds an answer takes.
    For deliveries: each is sent ``copies`` times; ``shuffle`` sends what is due in an order of its own; ``stripped``
    leaves out what a system leaves out of bodies that are too big; ``gaps`` and ``overflow`` send events without data;
    ``banned`` loses what would leave, as Pipedrive does after too many failures.
    ``struck`` holds the names of all that has befallen somebody so far, and outlives ``clear``.
    """

    planned: deque[str] = field(default_factory=deque)
    chance: random.Random | None = None
    rate: float = 0.0
    among: tuple[str, ...] = KINDS
    latency: float = 0.0
    copies: int = 1
    shuffle: random.Random | None = None
    stripped: bool = False
    gaps: bool = False
    overflow: bool = False
    banned: bool = False
    struck: set[str] = field(default_factory=set)

    def plan(self, kinds: Iterable[str]) -> None:
        """The next calls meet ``kinds``."""
        self.planned.extend(kinds)

    def strike(self) -> str:
        """What befalls this call; "" when nothing does."""
        kind = self._next()
        if kind:
            self.struck.add(kind)
        return kind

    def _next(self) -> str:
        if self.planned:
            return self.planned.popleft()
        if self.chance is not None and self.chance.random() < self.rate:
            return self.chance.choice(self.among)
        return ""

    def clear(self) -> None:
        """Everything works from now on."""
        self.planned.clear()
        self.chance, self.latency, self.copies, self.shuffle = None, 0.0, 1, None
        self.stripped = self.gaps = self.overflow = self.banned = False
