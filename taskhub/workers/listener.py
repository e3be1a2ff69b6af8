"""Hears the bell: a Dramatiq worker in this process, begun again whenever it has stopped hearing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import dramatiq

from taskhub.bell import Bell
from taskhub.workers.crew import gone

EARS = 2
POLL_MS = 100
CHECK_EVERY = 5.0
STOP_MS = 2_000

log = logging.getLogger(__name__)


class Listener:
    """Calls ``handle(ids)``, which must return at once. Redis may be away for any time at any moment."""

    def __init__(self, bell: Bell, handle: Callable[[list[int]], None]) -> None:
        self._bell = bell
        self._handle = handle
        self._worker: dramatiq.Worker | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Starts to listen, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Hears nothing more; what was heard and not begun is left to the loop."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(2 * STOP_MS / 1000)

    @property
    def ended(self) -> bool:
        """Whether its thread is gone."""
        return gone(self._thread)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._look()
            except BaseException:
                log.exception("nothing is heard; the loop finds what is due")
            self._stopped.wait(CHECK_EVERY)
        self._end()

    def _look(self) -> None:
        if self._worker is None or not _hears(self._worker):
            self._end()
            self._begin()

    def _begin(self) -> None:
        ears = self._bell.ears(self._handle)
        self._worker = dramatiq.Worker(ears, worker_timeout=POLL_MS, worker_threads=EARS)
        self._worker.start()

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            worker.stop(STOP_MS)
        except Exception as error:  # noqa: BLE001
            log.debug("the listener ended with %r", error)


def _hears(worker: dramatiq.Worker) -> bool:
    return all(thread.is_alive() for thread in (*worker.consumers.values(), *worker.workers))
