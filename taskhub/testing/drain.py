"""Runs the ledger dry in the calling thread, as a worker would, one transaction per row."""

from __future__ import annotations

from datetime import timedelta

from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.handler import Handlers
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.flow import HANDLERS

TRIES = 5


class Lost(RuntimeError):
    """The row was no longer held when its work was done."""


def drain(db: Database, handlers: Handlers = HANDLERS, *, most: int = 100_000) -> int:
    """Handles every row that is due, and what those lead to. Returns how many rows were handled.

    What a handler raises comes out here: a test wants to see it, not a retry. Only what could not be done at that very
    moment is done again, as a worker does.
    """
    done = 0
    while done < most:
        with db.begin() as tx:
            later = tx.now + timedelta(seconds=1)
            taken = ledger.take(tx.conn, tx.now, later, limit=100, rung_before=later)
        if not taken:
            return done
        for row in taken:
            _patiently(db, handlers, row)
            done += 1
    raise RuntimeError(f"still not dry after {most} rows")


def _patiently(db: Database, handlers: Handlers, row: Taken) -> None:
    for left in reversed(range(TRIES)):
        try:
            return handle(db, handlers, row)
        except Interrupted:
            if not left:
                raise
    return None


def handle(db: Database, handlers: Handlers, row: Taken) -> None:
    """One row, inside or outside."""
    handler = handlers[row.handler]
    if callable(handler):
        with db.begin() as tx:
            handler(tx, row)
            _settle(tx, row)
        return
    with db.begin() as tx:
        work = handler.prepare(tx, row)
        if work is None:
            _settle(tx, row)
    if work is not None:
        result = work()
        with db.begin() as tx:
            handler.finish(tx, row, result)
            _settle(tx, row)


def _settle(tx: Tx, row: Taken) -> None:
    if not ledger.settle(tx.conn, row, tx.now):
        raise Lost(f"row {row.id} of {row.handler}")
