"""Kills of workers and of the API, FLUSHALL and an absent Redis, all in one day."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House
from tests.faults.kinds import api_killed, redis_away, redis_emptied, worker_killed

BLOWS = (worker_killed.blow, worker_killed.blow, worker_killed.blow, api_killed.blow, redis_emptied.blow)


def blow(house: House, chance: Random) -> None:
    chance.choice(BLOWS)(house, chance)


def after(house: House) -> None:
    redis_away.blow(house, Random(0))


FAULT = day.fault(
    "everything", "kills of workers and API, FLUSHALL, Redis away, in one day",
    day.Under(blow, strikes=12, fittings=Fittings(apis=2), after=after),
)  # fmt: skip
