"""The loop over the ledger: whatever is due is found here, bell or no bell."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from taskhub.db import deaths, ledger
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.db.turns import Turns
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.workers.crew import Crew, gone
from taskhub.workers.gate import Gate
from taskhub.workers.holdings import Holdings
from taskhub.workers.pulse import Pulse

LONGEST = 0.25
SHORTEST = 0.05  # timers that fall due one after the other are taken together
RUNG = timedelta(seconds=1)
QUIET = 2.0
BURY_EVERY = 1.0
ALONE_WAIT = 30.0

log = logging.getLogger(__name__)


class Looker:
    """One thread. Takes rows while the crews have room; while a row is on its last try, nothing else runs.

    ``caught_up`` is called when a look finds all there is after one that did not.
    """

    def __init__(
        self, database: Database, holdings: Holdings, pulse: Pulse, gate: Gate, caught_up: Callable[[], None], *,
        rung: bool,
    ) -> None:  # fmt: skip
        self._database = database
        self._holdings = holdings
        self._pulse = pulse
        self._gate = gate
        self._caught_up = caught_up
        self._rung = RUNG if rung else timedelta()
        self._chance = random.Random()  # noqa: S311
        self._turns = Turns()
        self._quiet_until = 0.0
        self._buried_at = 0.0
        self._lonely = False
        self._short = False
        self._spent = False
        self._failures = 0
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="looker", daemon=True)

    def start(self, inside: Crew, single: Crew, outside: Crew, last: Crew) -> None:
        """Starts the thread: it feeds the crews.

        ``single`` is the one thread for rows that were tried before, ``last`` the one for those on their last try.
        """
        self._inside, self._single, self._outside, self._last = inside, single, outside, last
        self._thread.start()

    @property
    def lonely(self) -> bool:
        """Whether a row waits to run alone: nothing that may take long should begin."""
        return self._lonely

    @property
    def behind(self) -> bool:
        """Whether more is due than there is room for: what to take is then a matter of turns, not of ringing."""
        return self._short

    @property
    def ended(self) -> bool:
        """Whether its thread is gone."""
        return gone(self._thread)

    def wake(self) -> None:
        """There may be something to take, or room for it."""
        self._wake.set()

    def relieved(self) -> None:
        """There is room again: worth a look only where one was cut short, or where nobody rings."""
        if self._short or not self._rung:
            self._wake.set()

    def stop(self, timeout: float) -> None:
        """Takes nothing more."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            try:
                pause = self._look()
            except Interrupted as cut:
                pause = self._back_off(cut.message)
                # Whoever lost the database with us may give its rows back before they count as lost.
                self._quiet_until = time.monotonic() + QUIET
            except BaseException as error:
                log.log(logging.DEBUG if self._failures else logging.ERROR, "the loop failed", exc_info=error)
                pause = self._back_off(repr(error))
            else:
                self._failures = 0
            self._wake.wait(pause)
            self._wake.clear()

    def _back_off(self, why: str) -> float:
        self._failures += 1
        if self._failures == 1:
            log.warning("the loop waits: %s", why)
        return min(LONGEST * (1 << min(self._failures, 8)), 2.0) * self._chance.uniform(0.5, 1)

    def _look(self) -> float:
        """One look; how long to sleep after it."""
        if not self._pulse.fresh:
            return LONGEST
        self._holdings.pay()
        with self._database.read() as tx:
            now, due, next_ = tx.now, ledger.any_due(tx.conn, tx.now), ledger.next_due(tx.conn, tx.now)
            soon = tx.after(timedelta(seconds=LONGEST))
        found = due and self._take()
        if not due:
            self._note_short(short=False)
        if self._lonely and not self._outside.unfinished:
            self._run_alone()
        if found and self._short:
            return 0.0 if self._inside.unfinished < self._inside.size else LONGEST
        return SHORTEST if found else max(SHORTEST, _until(next_, now, soon))

    def _note_short(self, *, short: bool) -> None:
        before, self._short = self._short, short
        if before and not short:
            self._caught_up()

    def _take(self) -> bool:
        with self._database.begin() as tx:
            inside, outside = self._fresh(tx)
            single = self._tried(tx, outside) if time.monotonic() >= self._quiet_until else []
        failpoint("looker.taken")
        self._holdings.add([*inside, *single, *outside])
        self._inside.submit(inside)
        self._single.submit(single)
        self._outside.submit(outside)
        if self._spent:
            self._bury()
        return bool(inside or single or outside)

    def _fresh(self, tx: Tx) -> tuple[list[Taken], list[Taken]]:
        until, before = tx.after(ledger.HOLD), tx.after(-self._rung)
        inside: list[Taken] = []
        room = min(ledger.LIMIT, 8 * self._inside.size) - self._inside.unfinished
        if room > 0:
            inside = ledger.take_fresh(
                tx.conn, tx.now, until, limit=room, rung_before=before, outside=False, turns=self._turns
            )
            self._note_short(short=len(inside) >= room)
        free = 0 if self._lonely else self._outside.size - self._outside.unfinished
        outside: list[Taken] = []
        if free > 0:
            outside = ledger.take_fresh(tx.conn, tx.now, until, limit=free, rung_before=before, outside=True)
        return inside, outside

    def _tried(self, tx: Tx, outside: list[Taken]) -> list[Taken]:
        until = tx.after(ledger.HOLD)
        single: list[Taken] = []
        if not self._single.unfinished:
            # Taken only when it begins at once: a row that merely waits when its process ends would lose a try for it.
            single = ledger.take_tried(tx.conn, tx.now, until, outside=False)
        if not self._lonely and self._outside.unfinished + len(outside) < self._outside.size:
            outside += ledger.take_tried(tx.conn, tx.now, until, outside=True)
        self._lonely = ledger.last_waits(tx.conn, tx.now)
        if time.monotonic() - self._buried_at >= BURY_EVERY:
            self._buried_at = time.monotonic()
            self._spent = bool(deaths.spent(tx.conn, tx.now))
        return single

    def _bury(self) -> None:
        """In a transaction of its own: the one that takes has locked rows, and what they are about comes before."""
        self._spent = False
        with self._database.begin() as tx:
            if buried := deaths.bury(tx):
                log.error("%d rows are dead: each ended its process three times", buried)
                failpoint("looker.buried")

    def _run_alone(self) -> None:
        self._lonely = False
        with self._gate.alone(ALONE_WAIT) as empty:
            if not empty or self._stopped.is_set() or not self._pulse.fresh:
                return
            with self._database.begin() as tx:
                rows = ledger.take_last(tx.conn, tx.now, tx.after(ledger.HOLD))
            failpoint("looker.alone")
            self._holdings.add(rows)
            self._last.submit(rows)
            # One that hangs is given up, and then counts as finished.
            while self._last.unfinished and not self._stopped.is_set():
                self._wake.wait(LONGEST)
                self._wake.clear()


def _until(next_: datetime | None, now: datetime, soon: datetime) -> float:
    """Seconds to sleep so as to wake when ``next_`` falls due; ``soon`` is taskhub's time after the longest sleep."""
    if next_ is None or next_ >= soon or soon <= now:
        return LONGEST
    return LONGEST * ((next_ - now) / (soon - now))
