"""Workers die by SIGKILL at random moments of a busy day."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import House


def blow(house: House, chance: Random) -> None:
    house.kill_one(chance, house.workers)


FAULT = day.fault("worker killed", "SIGKILL of a worker at a random moment", day.Under(blow, strikes=10))
