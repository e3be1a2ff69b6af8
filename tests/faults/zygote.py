"""Starts taskhub's processes by forking one that has imported everything: a second of work less for each.

A process that is killed hundreds of times is started as often. What runs is the real command in a process of its own,
with its own pid, environment and log; only the reading of its modules was done before. When the campaign ends, in
whatever way, what was started ends too.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOOK_EVERY = 0.01
WARM = ("taskhub.cli", "taskhub.cli.app", "taskhub.server", "alembic.command", "apprise", "tests.faults.armed",
        "uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.on", "dramatiq", "psycopg")  # fmt: skip


class Child:
    """A process that was forked; used like ``subprocess.Popen``."""

    def __init__(self, line: Line, pid: int) -> None:
        self._line = line
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._line.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("taskhub", timeout or 0)
            time.sleep(LOOK_EVERY)
        return code

    def send_signal(self, number: int) -> None:
        """Sends it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Line:
    """Talks to the zygote of this process, which is started when first needed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: socket.socket | None = None

    def start(self, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> Child:
        """Runs ``python -m tests.faults.armed arguments`` there."""
        return Child(self, int(self.ask({"start": list(arguments), "env": dict(env), "log": str(log)})))

    def ask(self, order: dict[str, Any]) -> Any:
        """One order, one answer."""
        with self._lock:
            if self._end is None:
                self._begin()
            assert self._end is not None
            self._end.sendall(json.dumps(order).encode() + b"\n")
            return json.loads(self._answers.readline())

    def _begin(self) -> None:
        self._end, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.faults.zygote", str(theirs.fileno())]
        subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        theirs.close()
        self._answers = self._end.makefile("rb")
        atexit.register(self._end.close)


LINE = Line()


def main(number: int) -> None:
    """The zygote itself: one thread, no connections, nothing open but its line."""
    for name in WARM:
        __import__(name)
    end = socket.socket(fileno=number)
    orders, alive = end.makefile("rb"), set[int]()
    for line in orders:
        order = json.loads(line)
        if "poll" in order:
            answer: Any = _ended(order["poll"], alive)
        else:
            answer = os.fork()
            if not answer:
                end.close()
                _become(order)
            alive.add(answer)
        end.sendall(json.dumps(answer).encode() + b"\n")
    for pid in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _ended(pid: int, alive: set[int]) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        return None
    alive.discard(pid)
    return os.waitstatus_to_exitcode(status)


def _become(order: dict[str, Any]) -> None:
    from tests.faults import armed

    log = os.open(order["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(order["env"])
    try:
        armed.main(order["start"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    else:
        code = 0
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
