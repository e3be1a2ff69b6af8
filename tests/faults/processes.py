"""taskhub's processes as production starts them, `taskhub api` and `taskhub worker`, to be harmed at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.faults.shop import SECRETS
from tests.faults.zygote import LINE, Child

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 300.0  # a bound for a machine that is busy with other things
TAIL = 3_000


class Process:
    """One process of taskhub; its output goes to a file in ``folder``. It says ``ready`` once it works.

    ``forked``: started from a process that has imported everything (zygote.py), which is quicker.
    """

    def __init__(
        self, name: str, arguments: list[str], ready: str, urls: tuple[str, str], folder: Path,
        env: Mapping[str, str] | None = None, *, forked: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self._ready = ready
        self._from = 0
        self.log = folder / f"{name}.log"
        self._arguments = arguments
        self._env = {**os.environ, **SECRETS, "TASKHUB_DATABASE_URL": urls[0], "TASKHUB_REDIS_URL": urls[1],
                     "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}  # fmt: skip
        self._env.pop("TASKHUB_CONFIG", None)
        self._forked = forked and "LD_PRELOAD" not in self._env  # which is read where a program begins
        self._child: subprocess.Popen[bytes] | Child | None = None

    def start(self, *armed: str) -> Self:
        """Starts it, with failpoints ``armed`` or without; the log goes on."""
        self._from = self.log.stat().st_size if self.log.exists() else 0
        if self._forked:
            self._child = LINE.start([*armed, *self._arguments], self._env, self.log)
            return self
        module = ["tests.faults.armed", *armed] if armed else ["taskhub"]
        command = [sys.executable, "-m", *module, *self._arguments]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=log, stderr=log)
        return self

    @property
    def works(self) -> bool:
        """Whether it has said so since its last start, and still runs."""
        return bool(self._said()) and self.code is None

    def wait(self) -> str:
        """Waits until it works; what it said."""
        end = time.monotonic() + WITHIN
        while not (said := self._said()):
            assert self._child is not None
            assert self._child.poll() is None, f"{self.name} ended with {self._child.returncode}:\n{self.tail()}"
            assert time.monotonic() < end, f"{self.name} did not start:\n{self.tail()}"
            time.sleep(0.02)
        return said[-1]

    def _said(self) -> list[str]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._from)
            said = log.read().decode(errors="replace")
        return [line for line in said.splitlines() if self._ready in line]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to it, if it still runs."""
        assert self._child is not None
        self._child.send_signal(number)

    def ended_within(self, seconds: float) -> int | None:
        """Its exit code once it has ended by itself; None when it still runs after that time."""
        assert self._child is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child.wait(seconds)
        return None

    @property
    def pid(self) -> int:
        """Its process; 0 before the start."""
        return 0 if self._child is None else self._child.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return None if self._child is None else self._child.poll()

    def stop(self, within: float = 30) -> int | None:
        """An orderly end; SIGKILL when it takes too long."""
        if self._child is None or self._child.poll() is not None:
            return self.code
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGCONT)
            self._child.send_signal(signal.SIGTERM)
        if self.ended_within(within) is None:
            self.kill()
        return self.code

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-TAIL:] if self.log.exists() else "(no log)"


def all_work(processes: Sequence[Process]) -> bool:
    """Whether every one of them runs."""
    return all(one.works for one in processes)
