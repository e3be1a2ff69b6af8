"""Takes the rows the bell rings for: as many at once as were heard while the last ones were being taken."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.failpoints import failpoint
from taskhub.workers.crew import gone

REMEMBERED = 2_000

log = logging.getLogger(__name__)


class Taker:
    """One thread. What is heard beyond ``REMEMBERED``, or cannot be taken, the loop finds a second later.

    ``room`` says how many more rows may be taken now, ``place`` gets what was taken.
    """

    def __init__(self, database: Database, room: Callable[[], int], place: Callable[[Sequence[Taken]], None]) -> None:
        self._database = database
        self._room = room
        self._place = place
        self._heard: deque[int] = deque(maxlen=REMEMBERED)
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="taker", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Takes nothing more; what was heard and not taken is left to the loop."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def ended(self) -> bool:
        """Whether its thread is gone."""
        return gone(self._thread)

    def hear(self, ids: Sequence[int]) -> None:
        """The bell rang for these rows. Returns at once."""
        failpoint("taker.heard")
        self._heard.extend(ids)
        self._wake.set()

    def wake(self) -> None:
        """There may be room again."""
        if self._heard:
            self._wake.set()

    def _loop(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._stopped.is_set():
                return
            try:
                if ids := self._next():
                    self._take(ids)
            except BaseException:
                log.exception("rung rows were not taken; the loop finds them")

    def _next(self) -> list[int]:
        room = min(self._room(), ledger.LIMIT, len(self._heard))
        ids = [self._heard.popleft() for _ in range(room)]
        if ids and self._heard:
            self._wake.set()
        return ids

    def _take(self, ids: list[int]) -> None:
        try:
            with self._database.begin() as tx:
                rows = ledger.take_rung(tx.conn, ids, tx.now, tx.after(ledger.HOLD))
        except Interrupted:
            return
        failpoint("taker.taken")
        self._place(rows)
