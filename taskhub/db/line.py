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
    """One writer's place: held, let go while somebody else's code thinks, and taken again."""

    def __init__(self, line: Line | None) -> None:
        self._line = line
        self._held = False

    @property
    def waits(self) -> bool:
        """Whether there is a line at all."""
        return self._line is not None

    def take(self, timeout: float, *, first: bool = False) -> bool:
        """False when ``timeout`` seconds passed without a turn."""
        self._held = self._line is not None and self._line.acquire(timeout, first=first)
        return self._held or self._line is None

    def let_go(self) -> None:
        """Hands it on, if it is held."""
        if self._line is not None and self._held:
            self._held = False
            self._line.release()
