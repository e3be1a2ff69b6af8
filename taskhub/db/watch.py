"""A server that hangs says nothing at all: who waits for long asks it for a sign of life, and gives up without one.

A statement may take long for good reasons, such as a lock or a report, so time alone is no proof. The sign costs the
server a connection that ends before any login, and is asked for once, whoever waits.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg

AFTER = 0.7  # seconds without an answer until a sign of life is asked for; again after as much
WITHIN = 0.7  # seconds in which it must come
AGAIN = 0.25  # seconds for which a silent server is not asked again
_SIGN = struct.pack("!ii", 8, 80877103)  # "do you speak TLS?": answered with one letter, yes or no
SILENT = "the database server hangs: it gave no sign of life"


class Watch:
    """What one engine knows of its server: whether it gave a sign of life when it was last asked for one."""

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None
        self._lock = threading.Lock()
        self._alive = True
        self._told_at = float("-inf")

    def meet(self, connection: psycopg.Connection[Any]) -> None:
        """Remembers where the server is found."""
        self._place = connection.info.host, connection.info.port

    def alive(self) -> bool:
        """Asks the server, or waits for the answer to somebody who asks already."""
        asked_at = time.monotonic()
        with self._lock:
            if self._told_at < asked_at and self._place is not None:
                self._ask(self._place)
            return self._alive

    def refuse(self) -> None:
        """Raises OperationalError at once while the server hangs; one caller at a time asks it again."""
        if self._alive:
            return
        fresh = time.monotonic() - self._told_at < AGAIN
        if fresh or not self._lock.acquire(blocking=False):
            raise psycopg.OperationalError(SILENT)
        try:
            if self._place is not None:
                self._ask(self._place)
        finally:
            self._lock.release()
        if not self._alive:
            raise psycopg.OperationalError(SILENT)

    def _ask(self, place: tuple[str, int]) -> None:
        self._alive = _signs(*place)
        self._told_at = time.monotonic()


def _signs(host: str, port: int) -> bool:
    """Whether somebody answers there. Nobody listening is an answer too: whoever connects is told so at once."""
    try:
        with _dial(host, port) as line:
            line.sendall(_SIGN)
            line.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def _dial(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), WITHIN)
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(WITHIN)
    try:
        line.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        line.close()
        raise
    return line


class Watched(psycopg.Connection[Any]):
    """A connection that is given up when its server hangs."""

    watch: Watch

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Waits as long as it takes, while the server gives signs of life."""
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: Any) -> Generator[Any, Any, Any]:
        began = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() - began > AFTER:
                    if not self.watch.alive():
                        self.pgconn.finish()
                        raise psycopg.OperationalError(SILENT)
                    began = time.monotonic()
                wanted = gen.send(ready or 0)
        except StopIteration as end:
            return end.value
