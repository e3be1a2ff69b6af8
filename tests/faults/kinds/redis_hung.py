"""Redis accepts and never answers."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import House, frozen


def blow(house: House, chance: Random) -> None:
    frozen([house.redis.pid], chance.uniform(3, 12))


FAULT = day.fault("redis hung", "SIGSTOP of Redis for seconds", day.Under(blow, strikes=3))
