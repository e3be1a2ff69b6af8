"""The answer to COMMIT is lost and the connection with it: it may have happened or not, and nobody is told."""

from __future__ import annotations

import time
from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House

COMMIT = b"COMMIT\0"


def blow(house: House, chance: Random) -> None:
    line = house.to_postgres
    assert line is not None
    with line.behaving(swallow=COMMIT, left=chance.randint(3, 12)):
        time.sleep(2)


def after(house: House) -> None:
    assert house.to_postgres is not None
    house.result.figures["commits unanswered"] = house.to_postgres.swallowed
    if not house.to_postgres.swallowed:
        house.result.wrong.append("no answer to a COMMIT was lost: the fault did nothing")


FAULT = day.fault(
    "commit lost", "the reply of COMMIT is dropped: unknown outcome",
    day.Under(blow, strikes=6, fittings=Fittings(proxied=True), after=after),
)  # fmt: skip
