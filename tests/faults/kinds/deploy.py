"""A rolling deploy: each process is ended in order and replaced, one at a time, while people claim."""

from __future__ import annotations

from random import Random

from tests.faults import day
from tests.faults.house import Fittings, House
from tests.faults.processes import Process


def blow(house: House, _chance: Random) -> None:
    """Every process once. Ends with 0, and nobody is refused."""
    for one in (*house.apis, *house.workers):
        _replaced(house, one)


def _replaced(house: House, process: Process) -> None:
    code = process.stop()
    if code != 0:
        house.result.wrong.append(f"{process.name} ended with {code}:\n{process.tail()}")
    process.start()
    process.wait()


def after(house: House) -> None:
    """What failed for a client that simply turns to the other process is a failed claim."""
    refused = {status: count for status, count in house.call.answers.items() if status >= 500}
    if refused:
        house.result.wrong.append(f"answers during the deploy: {refused}")
    house.result.figures["connections broken"] = house.call.cut


FAULT = day.fault(
    "deploy", "SIGTERM and a new process, one after the other, under load",
    day.Under(blow, strikes=2, fittings=Fittings(apis=2), after=after),
)  # fmt: skip
