"""A server that takes connections and never answers: no setting of its own ends that wait, so it ends here.

A statement that has waited a little has the server asked, by its first word to any stranger, whether it is there. As
long as it answers the statement goes on waiting: it is merely long. If it does not, everybody gives up at once, and
nobody tries again before it answers.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg

ASK_AFTER = 0.5
ANSWER_WITHIN = 1.3
ASK_AGAIN = 0.5
LONGEST = 40.0  # the server's own limit for a statement is 30 s: what outlasts that has lost its connection
# A client's wish to speak TLS: eight bytes, answered with one by every server before it knows who asks.
HELLO = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


class NoAnswer(psycopg.OperationalError):
    """The server is there and does not answer."""


class Patience:
    """What this process knows of one server. Thread-safe."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._asked_at = float("-inf")
        self._place: tuple[str, int] | None = None
        self.silent = False

    def check(self) -> None:
        """Raises NoAnswer at once while the server is known to be silent; one caller asks again, twice a second."""
        if self.silent and self._place is not None and not self.answers(*self._place):
            raise NoAnswer("the server does not answer")

    def greet(self, host: Any, port: Any) -> None:
        """The same before a new connection is opened; several hosts, or none, are left to the driver."""
        if isinstance(host, str) and host and "," not in f"{host}{port}":
            self._place = self._place or (host, int(port or 5432))
            if not self.answers(*self._place):
                raise NoAnswer("the server does not answer")
        self.check()

    def answers(self, host: str, port: int) -> bool:
        """Whether the server answers. Asks at most twice a second; meanwhile, what was last found holds."""
        if time.monotonic() - self._asked_at < ASK_AGAIN or not self._asking.acquire(blocking=False):
            return not self.silent
        try:
            self._place = host, port
            self.silent = not _answers(host, port)
            self._asked_at = time.monotonic()
        finally:
            self._asking.release()
        return not self.silent


class Patient(psycopg.Connection[Any]):
    """A connection whose every wait ends."""

    patience: Patience | None = None

    def wait(self, gen: Any, *args: Any, **named: Any) -> Any:
        """Raises NoAnswer, and is closed, when the server is silent or the wait lasted 40 s."""
        return super().wait(self._bounded(gen), *args, **named)

    def _bounded(self, gen: Any) -> Generator[Any, Any, Any]:
        # The driver's loop comes by ten times a second while nothing happens.
        since = 0.0
        try:
            wants = next(gen)
            while True:
                ready = yield wants
                if not ready:
                    since = since or time.monotonic()
                    self._judge(time.monotonic() - since)
                wants = gen.send(ready)
        except StopIteration as ended:
            return ended.value

    def _judge(self, waited: float) -> None:
        if waited < ASK_AFTER or self.patience is None:
            return
        if waited > LONGEST or not self.patience.answers(self.info.hostaddr or self.info.host, self.info.port):
            self.pgconn.finish()
            raise NoAnswer("the server does not answer")


def _answers(host: str, port: int) -> bool:
    try:
        with _reach(host, port) as asked:
            asked.settimeout(ANSWER_WITHIN)
            asked.sendall(HELLO)
            return bool(asked.recv(1))
    except TimeoutError:
        return False
    except OSError:
        return True  # refused or reset is an answer too: whoever tries again learns it at once


def _reach(host: str, port: int) -> socket.socket:
    if not host.startswith(("/", "@")):
        return socket.create_connection((host, port), ANSWER_WITHIN)
    found = socket.socket(socket.AF_UNIX)
    try:
        found.settimeout(ANSWER_WITHIN)
        found.connect(f"{host}/.s.PGSQL.{port}".replace("@", "\0", 1))
    except OSError:
        found.close()
        raise
    return found
