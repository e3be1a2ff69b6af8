"""PostgreSQL dies by SIGKILL and recovers from its log."""

from __future__ import annotations

import time
from random import Random

from tests.faults import day
from tests.faults.house import House


def blow(house: House, chance: Random) -> None:
    house.postgres.kill()
    time.sleep(chance.uniform(0, 2))
    house.postgres.start()


FAULT = day.fault("database crashed", "kill -9 of PostgreSQL, recovery from its log", day.Under(blow, strikes=2))
