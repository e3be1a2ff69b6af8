"""Servers that go away and come back at the same address with the same data."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.hanging import hung
from tests.servers import Server


@dataclass
class Absence:
    """Seconds since 1970: when the server went, and when it was there again (0.0 before that)."""

    gone_at: float
    back_at: float = 0.0


@contextmanager
def stopped(server: Server) -> Iterator[Absence]:
    """An orderly stop that waits for nobody; started again at the end."""
    absence = Absence(time.time())
    os.kill(server.pid, server.stop_signal)
    while server.alive():
        time.sleep(0.01)
    try:
        yield absence
    finally:
        server.start()
        absence.back_at = time.time()


@contextmanager
def hanging(server: Server) -> Iterator[Absence]:
    """All its processes stand still; they go on at the end."""
    absence = Absence(time.time())
    with hung(server.pid):
        yield absence
    absence.back_at = time.time()


@contextmanager
def killed(server: Server) -> Iterator[Absence]:
    """SIGKILL; started again at the end."""
    absence = Absence(time.time())
    server.kill()
    try:
        yield absence
    finally:
        server.start()
        absence.back_at = time.time()
