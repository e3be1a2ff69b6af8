"""Redis dies and stays away; it comes back empty."""

from __future__ import annotations

import time
from random import Random

from tests.faults import day
from tests.faults.house import House


def blow(house: House, _chance: Random) -> None:
    house.redis.kill()
    time.sleep(house.plan_away)
    house.redis.start()


FAULT = day.fault("redis away", "kill -9 of Redis, away for --away seconds", day.Under(blow, strikes=1))
