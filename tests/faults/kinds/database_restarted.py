"""PostgreSQL restarts in order (fast: sessions are ended), and may stay away for a moment."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from tests.faults import day
from tests.faults.house import House


def blow(house: House, chance: Random) -> None:
    server = house.postgres
    os.kill(server.pid, signal.SIGINT)
    while server.alive():
        time.sleep(0.02)
    time.sleep(chance.choice((0, 0, 2, 12)))
    server.start()


FAULT = day.fault("database restarted", "PostgreSQL fast shutdown and start", day.Under(blow, strikes=2))
