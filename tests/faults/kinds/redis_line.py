"""The line to Redis: cut, slow, half-open, answers lost on the way."""

from __future__ import annotations

import time
from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House

WAYS = ("cut", "delay", "hung", "lost answer", "throttle", "refused")


def blow(house: House, chance: Random) -> None:
    line = house.to_redis
    assert line is not None
    way = chance.choice(WAYS)
    how = {
        "delay": {"delay": 0.15}, "hung": {"hung": True}, "throttle": {"rate": 2_000.0}, "refused": {"refuses": True},
        "lost answer": {"swallow": b"taskhub", "left": 6}, "cut": {},
    }[way]  # fmt: skip
    with line.behaving(**how):
        if way in ("cut", "refused"):
            line.cut()
        time.sleep(chance.uniform(2, 5))
    house.result.figures["answers lost"] = line.swallowed


FAULT = day.fault(
    "redis line", "cut, slow, half-open, refused, answers lost before Redis",
    day.Under(blow, strikes=6, fittings=Fittings(proxied=True)),
)  # fmt: skip
