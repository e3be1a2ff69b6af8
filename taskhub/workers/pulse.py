"""The sweep: each worker notes every two seconds that it looks, so that a gap is known before it does harm."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from taskhub.clock import DemoClock
from taskhub.db import sweep
from taskhub.db.database import Database
from taskhub.db.handler import GapHook
from taskhub.db.interruption import Interrupted, interruption
from taskhub.db.tx import Tx
from taskhub.workers.crew import gone
from taskhub.workers.holdings import Holdings

PROLONG_EVERY = 1.0
BEAT_EVERY = 2.0
GAP = timedelta(seconds=10)
FRESH = 6.0
PATIENCE = 3

log = logging.getLogger(__name__)


class Pulse:
    """Prolongs what is held once a second and beats every two; both on connections of their own.

    Nothing is handled without a fresh beat: after a gap, leases get their new term before any is looked at.
    """

    def __init__(self, database: Database, holdings: Holdings, on_gap: Sequence[GapHook]) -> None:
        self._database = database
        self._holdings = holdings
        self._on_gap = on_gap
        self._beaten_at = float("-inf")
        self._failures = 0
        self._away = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Beats once, then from a thread."""
        self._step()
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the thread; waits ``timeout`` seconds for it at most."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    @property
    def ended(self) -> bool:
        """Whether its thread is gone."""
        return gone(self._thread)

    @property
    def fresh(self) -> bool:
        """Whether rows may be handled."""
        return self.age < FRESH

    @property
    def age(self) -> float:
        """Seconds since the last beat; infinite before the first."""
        return time.monotonic() - self._beaten_at

    def beat(self) -> None:
        """Notes a look; after a gap first tells everyone concerned, in the same transaction."""
        start = time.monotonic()
        with self._database.begin(vital=True) as tx:
            gap = sweep.beat(tx.conn, tx.real_now, every=timedelta(seconds=BEAT_EVERY * 0.9))
            if gap is not None and gap > GAP:
                # A demo that is not running has no work under way: its people and its time stood still with it.
                level = logging.INFO if isinstance(tx.clock, DemoClock) else logging.WARNING
                log.log(level, "nobody looked for %.0f s", gap.total_seconds())
                self._tell(tx, gap)
        self._beaten_at = start
        self._failures = 0

    def _tell(self, tx: Tx, gap: timedelta) -> None:
        # A hook that always fails must not stop all work for ever.
        for hook in self._on_gap if self._failures < PATIENCE else ():
            try:
                hook(tx, gap)
            except Exception as error:
                self._failures += interruption(error) is None
                raise

    def _run(self) -> None:
        while not self._stopped.wait(PROLONG_EVERY):
            self._step()

    def _step(self) -> None:
        try:
            self._holdings.prolong()
            if time.monotonic() - self._beaten_at >= BEAT_EVERY - PROLONG_EVERY / 2:
                self.beat()
        except Interrupted as cut:
            if not self._away:
                log.warning("the pulse stops: %s", cut.message)
            self._away = True
        except BaseException as error:
            log.log(logging.DEBUG if self._away else logging.ERROR, "the pulse failed", exc_info=error)
            self._away = True
        else:
            self._away = False
