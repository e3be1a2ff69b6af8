"""FLUSHALL under load."""

from __future__ import annotations

from random import Random

import redis

from tests.faults import day
from tests.faults.house import House


def blow(house: House, _chance: Random) -> None:
    with redis.Redis.from_url(house.redis.url) as client:
        client.flushall()


FAULT = day.fault("redis emptied", "FLUSHALL", day.Under(blow, strikes=8))
