"""The processes under measurement: an API, a worker or the bare route, each started as a child and stopped in order."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self
from urllib.error import HTTPError

from sqlalchemy import text

from benchmarks import bare, world
from taskhub import bootstrap
from taskhub.bell import Bell
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState
from taskhub.server import Web, listen
from taskhub.workers import Worker, run_until_stopped, supervise
from tests.servers import free_port

WITHIN = 300.0
LYING = "bench.lying"


class Child:
    """One process of ours: api, bare, worker, slow or supervisor, of the code in ``folder``."""

    def __init__(self, role: str, url: str, redis: str = "", folder: Path | None = None) -> None:
        self.role, self.port, self._folder = role, free_port(), folder
        self._command = [sys.executable, "-m", "benchmarks.processes", role, url, str(self.port), redis]
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Starts it and waits until it answers, or looks for rows."""
        serves = self.role in ("api", "bare")
        self._child = subprocess.Popen(self._command, cwd=self._folder, stdout=None if serves else subprocess.PIPE)
        if serves:
            _wait(self.port, self._child)
        elif self._child.stdout is not None and not self._child.stdout.readline():
            raise RuntimeError(f"the {self.role} did not start")
        return self

    @property
    def pid(self) -> int:
        """Its process, 0 before the start."""
        return self._child.pid if self._child else 0

    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def cpu(self) -> float:
        """Seconds of one core that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> float:
        """SIGKILL; the instant of it."""
        assert self._child is not None
        at = time.time()
        self._child.kill()
        self._child.wait()
        return at

    def stop(self) -> tuple[float, int]:
        """SIGTERM; the seconds until its end, and its exit code."""
        assert self._child is not None
        begin = time.perf_counter()
        self._child.terminate()
        code = self._child.wait(WITHIN)
        return time.perf_counter() - begin, code


@contextmanager
def child(role: str, url: str, redis: str = "", folder: Path | None = None) -> Iterator[Child]:
    """A started child; SIGTERM ends the one that lives at the end."""
    made = Child(role, url, redis, folder)
    try:
        yield made.start()
    finally:
        if made.pid:
            made.stop()


@contextmanager
def started(role: str, url: str, redis: str = "", folder: Path | None = None) -> Iterator[int]:
    """The port of a child; 0 for a worker."""
    with child(role, url, redis, folder) as made:
        yield made.port


def _wait(port: int, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end and child.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing", timeout=20).close()
        except HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def _lying(tx: Tx, row: Taken) -> None:
    """A row that is in hand for as long as its first process lives, and done by the next at once."""
    if row.attempts == 1:
        tx.conn.execute(text("INSERT INTO holder VALUES (:row, :pid)"), {"row": row.id, "pid": os.getpid()})
        tx.conn.commit()  # holds no lock and no snapshot meanwhile
        time.sleep(WITHIN)


def main(role: str, url: str, port: int, redis: str) -> None:
    if role == "bare":
        bare.serve(url, world.POOL, listen("127.0.0.1", port))
    elif role == "api":
        bell = Bell(redis) if redis else None
        db = world.open_database(url)
        if bell is not None:
            db.ring = bell.ring
        Web(AppState(db)).run(sockets=[listen("127.0.0.1", port)])
    elif role == "supervisor":
        sys.exit(supervise(partial(_work, "slow", url, redis), 1))
    else:
        sys.exit(_work(role, url, redis))


def _work(role: str, url: str, redis: str) -> int:
    handlers = {**HANDLERS, LYING: _lying} if role == "slow" else HANDLERS
    bell = Bell(redis) if redis else None
    worker = Worker(world.open_database(url), handlers, bell, on_gap=(bootstrap.new_terms,))
    threading.Thread(target=_tell, args=(worker,), daemon=True).start()
    return run_until_stopped(worker)


def _tell(worker: Worker) -> None:
    """Says that the worker looks for rows."""
    while not worker.healthy:
        time.sleep(0.02)
    print("ready", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
