"""taskhub's processes as production starts them, `taskhub api` and `taskhub worker`, to be killed at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.faults.shop import SECRETS

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 60.0
TAIL = 3_000


class Process:
    """One process of taskhub; its output goes to a file in ``folder``. It says ``ready`` once it works."""

    def __init__(self, name: str, arguments: list[str], ready: str, urls: tuple[str, str], folder: Path) -> None:
        self.name = name
        self._ready = ready
        self._starts = 0
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "taskhub", *arguments]
        self._env = {**os.environ, **SECRETS, "TASKHUB_DATABASE_URL": urls[0], "TASKHUB_REDIS_URL": urls[1],
                     "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}  # fmt: skip
        self._env.pop("TASKHUB_CONFIG", None)
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Starts it; the log goes on."""
        self._starts += 1
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(self._command, env=self._env, cwd=ROOT, stdout=log, stderr=log)
        return self

    @property
    def works(self) -> bool:
        """Whether it has said so since its last start."""
        return len(self._said()) >= self._starts

    def wait(self) -> str:
        """Waits until it works; what it said."""
        end = time.monotonic() + WITHIN
        while not self.works:
            assert self._child is not None
            assert self._child.poll() is None, f"{self.name} ended with {self._child.returncode}:\n{self.tail()}"
            assert time.monotonic() < end, f"{self.name} did not start:\n{self.tail()}"
            time.sleep(0.02)
        return self._said()[-1]

    def _said(self) -> list[str]:
        return [line for line in self.log.read_text(errors="replace").splitlines() if self._ready in line]

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    @property
    def pid(self) -> int:
        """Its process; 0 before the start."""
        return 0 if self._child is None else self._child.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return None if self._child is None else self._child.poll()

    def stop(self) -> int | None:
        """An orderly end; SIGKILL when it takes too long."""
        if self._child is None or self._child.poll() is not None:
            return self.code
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.code

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-TAIL:] if self.log.exists() else "(no log)"
