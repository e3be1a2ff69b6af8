"""The line to PostgreSQL: cut, slow, half-open, refused, throttled."""

from __future__ import annotations

import time
from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House

WAYS = ("cut", "cut", "delay", "hung", "throttle", "refused")


def blow(house: House, chance: Random) -> None:
    line = house.to_postgres
    assert line is not None
    way = chance.choice(WAYS)
    how = {
        "delay": {"delay": 0.1}, "hung": {"hung": True}, "throttle": {"rate": 40_000.0}, "refused": {"refuses": True},
        "cut": {},
    }[way]  # fmt: skip
    with line.behaving(**how):
        if way in ("cut", "refused"):
            line.cut()
        time.sleep(chance.uniform(1, 4))


FAULT = day.fault(
    "database line", "cut, slow, half-open, refused, throttled before PostgreSQL",
    day.Under(blow, strikes=6, fittings=Fittings(proxied=True)),
)  # fmt: skip
