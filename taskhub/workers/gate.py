"""Rows run side by side, or one runs alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Knows what runs. A row on its last try waits until nothing does, and nothing starts while it runs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[int] = set()
        self._closed = False

    @contextmanager
    def among_others(self) -> Iterator[None]:
        """Held while a row runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._running.add(threading.get_ident())
        try:
            yield
        finally:
            self.forget(threading.get_ident())

    @contextmanager
    def alone(self, timeout: float) -> Iterator[bool]:
        """Held while a row runs alone; False when the others took longer than ``timeout`` seconds to end."""
        with self._changed:
            self._closed = True
            empty = self._changed.wait_for(lambda: not self._running, timeout)
        try:
            yield empty
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()

    def forget(self, ident: int) -> None:
        """Thread ``ident`` runs no row any more, or is given up."""
        with self._changed:
            self._running.discard(ident)
            self._changed.notify_all()
