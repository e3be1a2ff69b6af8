"""Gives up rows that do not end: a thread that hangs must not hold its row, its locks and its place for ever."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from taskhub.db.handler import Handler, Handlers
from taskhub.db.ledger import Taken
from taskhub.workers.crew import gone

INSIDE_WITHIN = 120.0
OUTSIDE_WITHIN = 600.0
TICK = 0.5

log = logging.getLogger(__name__)


class Overdue(Exception):
    """The row was still running after all the time it had."""


@dataclass(frozen=True, slots=True)
class _Running:
    row: Taken
    seconds: float
    until: float


class Watch:
    """One thread. ``give_up`` is told the row, the thread that hangs and why; it must not wait for that thread."""

    def __init__(self, handlers: Handlers, give_up: Callable[[Taken, int, Overdue], None]) -> None:
        self._handlers = handlers
        self._give_up = give_up
        self._running: dict[int, _Running] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Gives up nothing more."""
        self._stopped.set()

    @property
    def ended(self) -> bool:
        """Whether its thread is gone."""
        return gone(self._thread)

    @contextmanager
    def over(self, row: Taken) -> Iterator[None]:
        """Held while this thread runs ``row``."""
        ident, seconds = threading.get_ident(), within(self._handlers.get(row.handler))
        self._running[ident] = _Running(row, seconds, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._running.pop(ident, None)

    def running(self) -> list[tuple[int, Taken]]:
        """What runs, each with its thread."""
        return [(ident, one.row) for ident, one in list(self._running.items())]

    def _loop(self) -> None:
        while not self._stopped.wait(TICK):
            for ident, one in list(self._running.items()):
                if time.monotonic() > one.until and self._running.pop(ident, None) is one:
                    self._tell(ident, one)

    def _tell(self, ident: int, one: _Running) -> None:
        frame = sys._current_frames().get(ident)  # noqa: SLF001  the one way to say where another thread hangs
        where = "".join(traceback.format_stack(frame)) if frame else "(gone)"
        log.error("row %d (%s) is given up; it hangs here:\n%s", one.row.id, one.row.handler, where)
        try:
            self._give_up(one.row, ident, Overdue(f"it did not end within {one.seconds:.0f} s"))
        except BaseException:
            log.exception("row %d could not be given up", one.row.id)


def within(handler: Handler | None) -> float:
    """How many seconds a handler has; work between two transactions may ask for its own with ``within``."""
    return INSIDE_WITHIN if handler is None or callable(handler) else getattr(handler, "within", OUTSIDE_WITHIN)
