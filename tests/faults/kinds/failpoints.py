"""Real processes die at named places: between history and messages, between commit and reply, after outside work …"""

from __future__ import annotations

from random import Random

from tests.faults import day, places
from tests.faults.house import Fittings, House
from tests.faults.processes import Process

WITHIN = 15.0
OF_API = (
    "edge.",
    "once.",
    "event.stored",
    "claim.",
    "lease.renewing",
    "lease.granted",
    "lease.ended",
    "tx.act_written",
)
NEVER_PASSED = {
    "lease.grace": "needs all workers gone for ten seconds: the fault 'database restarted' and 'forked' pass it",
    "looker.alone": "needs a row on its last try: 'poison' passes it",
    "looker.buried": "the same",
}


def blow(house: House, chance: Random) -> None:
    """One process is replaced by an armed one; whether or not it dies of it in time, a sound one follows."""
    name = chance.choice([name for name in places.in_days() if name not in NEVER_PASSED])
    among = house.apis if name.startswith(OF_API) else house.workers
    strike(house, chance.choice(among), f"{name}:{chance.choice((1, 1, 2, 3, 5, 8))}")


def strike(house: House, victim: Process, armed: str) -> None:
    """``victim`` is restarted with ``armed`` and given some time to die."""
    victim.stop()
    victim.start(armed)
    if victim.ended_within(WITHIN) is not None:
        house.redo.note()
        house.result.kills += 1
    else:
        victim.stop()
    victim.start()
    victim.wait()


FAULT = day.fault(
    "failpoints", "SIGKILL at a named place of a real process", day.Under(blow, strikes=8, fittings=Fittings(apis=2))
)
