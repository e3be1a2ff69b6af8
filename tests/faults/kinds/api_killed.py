"""The API dies by SIGKILL in the middle of requests; clients call again under the same key."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House


def blow(house: House, chance: Random) -> None:
    house.kill_one(chance, house.apis)


FAULT = day.fault(
    "api killed", "SIGKILL of an API process mid-request", day.Under(blow, strikes=8, fittings=Fittings(apis=2))
)
