"""The clocks of API and workers jump by an hour, forwards and back: leases and due times are the database's."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

from tests.faults import day
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.house import Fittings, House
from tests.faults.result import Result

LIBRARIES = ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
             "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1")  # fmt: skip
STEPS = ("+1h", "-1h", "+0", "-55m", "+59m")


def blow(house: House, chance: Random) -> None:
    """The step is read from a file again within a second."""
    _file(house).write_text(f"{chance.choice(STEPS)}\n")
    time.sleep(3)


def _file(house: House) -> Path:
    return Path(dict(house.fittings.env)["FAKETIME_TIMESTAMP_FILE"])


def run(ground: Ground, seed: int) -> Result:
    """Not run where there is no libfaketime."""
    library = next((path for path in LIBRARIES if Path(path).exists()), None)
    if library is None:
        return Result(FAULT.name, seed, skipped="libfaketime is not installed (package libfaketime)")
    step = ground.logs("clock") / "step"
    step.write_text("+0\n")
    env = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(step), "FAKETIME_CACHE_DURATION": "1",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    return day.run(FAULT.name, ground, seed, day.Under(blow, strikes=5, fittings=Fittings(env=env)))


FAULT = Fault("clock stepped", "the clocks of API and workers jump by an hour, both ways (libfaketime)", run)
