"""Kills of workers and of the API, FLUSHALL and an absent Redis, all in one day."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House
from tests.faults.kinds import api_killed, redis_away, redis_emptied, worker_killed

BLOWS = {"workers killed": worker_killed.blow, "APIs killed": api_killed.blow, "FLUSHALL": redis_emptied.blow}
WEIGHTS = (3, 1, 1)


def blow(house: House, chance: Random) -> None:
    (name,) = chance.choices(list(BLOWS), WEIGHTS)
    BLOWS[name](house, chance)
    house.result.figures[name] = house.result.figures.get(name, 0) + 1


def after(house: House) -> None:
    redis_away.blow(house, Random(0))


FAULT = day.fault(
    "everything", "kills of workers and API, FLUSHALL, Redis away, in one day",
    day.Under(blow, strikes=12, fittings=Fittings(apis=2, armed=("notes",)), after=after),
)  # fmt: skip
