"""Somebody who lives in the CRM: now and then ticks off one of taskhub's tasks where they see it."""

from __future__ import annotations

from random import Random

from taskhub.demo.crm.office import Office
from taskhub.demo.crm.turns import Turns

FIRST, EVERY = 12.0, 25.0


class Colleague:
    """``step`` does one thing and returns after how many minutes of the demo the next one follows."""

    key = "somebody-in-the-crm"

    def __init__(self, office: Office, turns: Turns, rng: Random) -> None:
        self._office, self._turns, self._rng = office, turns, rng
        self._begun = False

    def step(self) -> float:
        """Ticks off what the lot falls on."""
        if not self._begun:
            self._begun = True
            return FIRST
        with self._turns.turn():
            self._office.tick(self._rng)
        return self._rng.expovariate(1 / EVERY)
