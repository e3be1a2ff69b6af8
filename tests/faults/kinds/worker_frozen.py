"""A worker is stopped for longer than it may hold rows, and wakes believing it still holds them."""

from __future__ import annotations

from random import Random

from taskhub.db import ledger
from tests.faults import day
from tests.faults.house import House, frozen

LONGER = (1.5, 2.5, 4.0)  # times as long as a hold lasts


def blow(house: House, chance: Random) -> None:
    victim = chance.choice(house.workers)
    victim.wait()
    frozen([victim.pid], ledger.HOLD.total_seconds() * chance.choice(LONGER))


FAULT = day.fault("worker frozen", "SIGSTOP for longer than a hold, then SIGCONT", day.Under(blow, strikes=4))
