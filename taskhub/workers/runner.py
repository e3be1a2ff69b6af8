"""Runs one row: the work and its settling in one transaction, or the work between two."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from taskhub.db import deaths, ledger
from taskhub.db.database import Database
from taskhub.db.handler import Handlers, Inside, NotYet, Outside, Together, Work
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.db.tx import SYSTEM, Tx
from taskhub.errors import InvalidInput, Unavailable
from taskhub.failpoints import failpoint
from taskhub.logs import about
from taskhub.workers.convoys import Convoy
from taskhub.workers.holdings import Holdings

T = TypeVar("T")

SOON = (0.02, 0.1, 0.3)
LATE = (0.1, 0.3, 1.0, 2.0, 3.0)
UNKNOWN_WAIT = timedelta(seconds=10)

log = logging.getLogger(__name__)


class TakenOver(Exception):
    """The token is no longer ours: whatever was done is rolled back."""


class Runner:
    """Never raises. Afterwards the row is done, waits for its next try, is dead, is owed back or is somebody else's."""

    def __init__(self, database: Database, handlers: Handlers, holdings: Holdings, chance: random.Random) -> None:
        self._database = database
        self._handlers = handlers
        self._holdings = holdings
        self._chance = chance

    def run(self, row: Taken) -> Sequence[Taken]:
        """Runs ``row``, which this process holds. Returns those of a convoy that have to run by themselves."""
        if isinstance(row, Convoy):
            return self._left_over(row)
        try:
            failpoint("runner.begins")
            self._handle(row)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            self._ended(row, error)
        finally:
            self._holdings.drop(row)
        return ()

    def _ended(self, row: Taken, error: BaseException) -> None:
        if self._holdings.forsaken(row):
            self._tell(row, "given up", f"ended after it was given up: {error}")
        elif isinstance(error, TakenOver):
            self._tell(row, "taken over", "was taken over; its work is rolled back")
        elif isinstance(error, Interrupted):
            self._tell(row, "cut", f"goes back uncounted: {error.message}")
            self._holdings.owe(row)
        elif isinstance(error, NotYet):
            self._holdings.owe(row, error.wait)
        else:
            self.failed(row, error)

    def _left_over(self, convoy: Convoy) -> Sequence[Taken]:
        """Runs the rows of ``convoy`` in one transaction. Returns those it has not done, unless they go back."""
        handler, rows = self._handlers.get(convoy.handler), convoy.rows
        if not isinstance(handler, Together):
            return rows
        try:
            done = self._persist(SOON, lambda: self._together(handler, rows))
        except (Exception, SystemExit) as error:  # noqa: BLE001
            if self._holdings.forsaken(convoy):
                log.info("%d rows (%s) ended after they were given up: %s", len(rows), convoy.handler, error)
                return ()
            if isinstance(error, Interrupted):
                log.info("%d rows (%s) go back uncounted: %s", len(rows), convoy.handler, error.message)
                for row in rows:
                    self._holdings.owe(row)
                return ()
            log.info("%d rows (%s) run one by one: %r", len(rows), convoy.handler, error)
            return rows
        for row in done:
            self._holdings.drop(row)
        return [row for row in rows if row not in done]

    def _together(self, handler: Together, rows: Sequence[Taken]) -> Sequence[Taken]:
        failpoint("runner.together")
        told: dict[str, Any] = {"handler": rows[0].handler, "step": "together"}
        with self._database.begin(SYSTEM, about=told) as tx:
            done = handler.many(tx, rows)
            if not ledger.settle_all(tx.conn, done, tx.now):
                raise TakenOver
            told["due"] = [row.due_at for row in done]
            tx.note("row", *(str(row.id) for row in done))
            return done

    def _tell(self, row: Taken, step: str, said: str) -> None:
        log.info("row %d (%s) %s", row.id, row.handler, said, extra=about(**_about(row, step)))

    def _handle(self, row: Taken) -> None:
        handler = self._handlers.get(row.handler)
        if handler is None:
            # While old and new code run side by side, the new knows it. If nobody does, it waits in sight.
            log.warning("row %d: no handler is called %s here", row.id, row.handler)
            self._holdings.owe(row, UNKNOWN_WAIT)
        elif callable(handler):
            self._persist(SOON, lambda: self._inside(handler, row))
        else:
            self._outside(handler, row)

    def _inside(self, handler: Inside, row: Taken) -> None:
        with self._database.begin(SYSTEM, about=_about(row, "inside")) as tx:
            handler(tx, row)
            failpoint("runner.worked")
            _settle(tx, row)
            failpoint("runner.settled")

    def _outside(self, handler: Outside, row: Taken) -> None:
        def prepare() -> Work | None:
            with self._database.begin(SYSTEM, about=_about(row, "prepare")) as tx:
                work = handler.prepare(tx, row)
                if work is None:
                    _settle(tx, row)
                return work

        def finish(result: Any) -> None:
            with self._database.begin(SYSTEM, about=_about(row, "finish")) as tx:
                handler.finish(tx, row, result)
                _settle(tx, row)

        work = self._persist(SOON, prepare)
        if work is not None:
            failpoint("runner.prepared")
            result = work()
            failpoint("runner.outside_done")
            self._persist(LATE, lambda: finish(result), lost=True)
            failpoint("runner.finished")

    def _persist(self, pauses: tuple[float, ...], step: Callable[[], T], *, lost: bool = False) -> T:
        """``step``, again after each pause while the database was busy (``lost``: also while it was away)."""
        for pause in pauses:
            try:
                return step()
            except Interrupted as cut:
                if cut.lost and not lost:
                    raise
            time.sleep(pause * self._chance.uniform(0.5, 1.5))
        return step()

    def failed(self, row: Taken, error: BaseException) -> None:
        """Notes a failed try of ``row``, and when the next is. Where that cannot be done its hold has to end first."""
        try:
            self._failed(row, error)
        except Interrupted as cut:
            log.warning("row %d: its failure could not be noted; it runs again when its hold ends: %s", row.id, cut)
        except (Exception, SystemExit):
            log.exception("row %d: its failure could not be noted; it runs again when its hold ends", row.id)

    def _failed(self, row: Taken, error: BaseException) -> None:
        asked = getattr(error, "retry_after", None)
        wait = ledger.wait_after(row, self._chance.uniform(1, 1.25), timedelta(seconds=asked) if asked else None)
        told = f"{type(error).__name__}: {error}"
        log.warning(
            "row %d (%s), try %d: %s; %s", row.id, row.handler, row.attempts, told,
            "dead" if wait is None else f"again in {wait.total_seconds():.0f} s",
            exc_info=None if self._expected(row, error) else error,
            extra=about(**_about(row, "failed")),
        )  # fmt: skip
        failpoint("runner.failing")
        self._persist(SOON, lambda: self._note(row, told, wait))

    def _expected(self, row: Taken, error: BaseException) -> bool:
        """Whether another system has said no, or nothing: what it said tells all, and where we are told it nothing."""
        return isinstance(error, Unavailable | InvalidInput) and not callable(self._handlers.get(row.handler))

    def _note(self, row: Taken, told: str, wait: timedelta | None) -> None:
        with self._database.begin(SYSTEM) as tx:
            tx.count("taskhub_messages_failed_total", row.handler, "dead" if wait is None else "again")
            deaths.fail(tx, row, told, tx.after(wait or timedelta()), dead=wait is None)


def _about(row: Taken, step: str) -> dict[str, Any]:
    """What the log says of work on ``row``."""
    return {
        "row": row.id, "handler": row.handler, "key": row.key, "attempt": row.attempts, "due": row.due_at, "step": step,
    }  # fmt: skip


def _settle(tx: Tx, row: Taken) -> None:
    if not ledger.settle(tx.conn, row, tx.now):
        raise TakenOver
