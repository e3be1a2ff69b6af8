"""A lock that is handed on in order of arrival."""

from __future__ import annotations

import threading
from collections import deque


class Line:
    """Whoever waits gets it in turn; ``first`` goes to the head of the line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def acquire(self, timeout: float, *, first: bool = False) -> bool:
        """False when ``timeout`` seconds passed without a turn."""
        turn = threading.Event()
        with self._lock:
            if not self._held:
                self._held = True
                return True
            (self._waiting.appendleft if first else self._waiting.append)(turn)
        if turn.wait(timeout):
            return True
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
            return turn.is_set()

    def release(self) -> None:
        """Hands it on."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False


class Place:
    """One writer's place: held, let go while somebody else's code thinks, taken again, and closed in the end.

    Thread-safe: who hangs is cut off by another thread, which closes its place.
    """

    def __init__(self, line: Line | None) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._held = False
        self._closed = False

    @property
    def waits(self) -> bool:
        """Whether there is a line at all."""
        return self._line is not None

    def take(self, timeout: float, *, first: bool = False) -> bool:
        """False when ``timeout`` seconds passed without a turn, or when the place was closed."""
        if self._line is None:
            return True
        if not self._line.acquire(timeout, first=first):
            return False
        with self._lock:
            self._held = not self._closed
        if not self._held:
            self._line.release()
        return self._held

    def let_go(self) -> None:
        """Hands it on, if it is held."""
        with self._lock:
            held, self._held = self._held, False
        if held and self._line is not None:
            self._line.release()

    def close(self) -> None:
        """Hands it on, if it is held; it is never taken again."""
        with self._lock:
            self._closed = True
        self.let_go()
