"""The processes under measurement: an API, a worker or the bare route, each started as a child and stopped in order."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import bare, world
from taskhub.bell import Bell
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState
from taskhub.server import Web, listen
from taskhub.workers import Worker, run_until_stopped
from tests.servers import free_port

WITHIN = 30.0


@contextmanager
def started(role: str, url: str, redis: str = "", folder: Path | None = None) -> Iterator[int]:
    """A child in ``role`` (api, bare, worker), of the code in ``folder``; its port, 0 for a worker. SIGTERM ends it."""
    port = free_port()
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.processes", role, url, str(port), redis], cwd=folder)
    try:
        if role != "worker":
            _wait(port, child)
        yield port
    finally:
        child.terminate()
        child.wait(30)


def _wait(port: int, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end and child.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server did not start")


def main(role: str, url: str, port: int, redis: str) -> None:
    if role == "bare":
        bare.serve(url, world.POOL, listen("127.0.0.1", port))
    elif role == "api":
        bell = Bell(redis) if redis else None
        db = world.open_database(url)
        if bell is not None:
            db.ring = bell.ring
        Web(AppState(db)).run(sockets=[listen("127.0.0.1", port)])
    else:
        sys.exit(run_until_stopped(Worker(world.open_database(url), HANDLERS, Bell(redis) if redis else None)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
