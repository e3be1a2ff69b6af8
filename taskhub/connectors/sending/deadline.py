"""An end to one call in all: a timeout counts from the last byte, and an answer may drip for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

OPENED = (".connect_tcp.complete", ".start_tls.complete")


class Deadline:
    """Cuts the line of one call after so many seconds; whoever reads from it finds it ended. ``passed``: it has.

    ``trace`` goes into the extensions of the request, and hears of its line.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()

    def trace(self, name: str, said: Mapping[str, Any]) -> None:
        """A line was opened, or is a safe one from now on."""
        if not name.endswith(OPENED):
            return
        line = said["return_value"].get_extra_info("socket")
        with self._lock:
            self._lines.append(line)
            passed = self.passed
        if passed:
            _shut(line)

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            lines = list(self._lines)
        for line in lines:
            _shut(line)


def _shut(line: socket.socket) -> None:
    """Wakes whoever waits for it; TLS is not asked, it would wait for the other side."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)
