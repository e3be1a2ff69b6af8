"""Redis has no memory left and refuses every write."""

from __future__ import annotations

import time
from random import Random

import redis

from tests.faults import day
from tests.faults.house import House


def blow(house: House, chance: Random) -> None:
    with redis.Redis.from_url(house.redis.url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        time.sleep(chance.uniform(3, 8))
        client.config_set("maxmemory", "0")


FAULT = day.fault("redis full", "maxmemory reached, noeviction", day.Under(blow, strikes=3))
