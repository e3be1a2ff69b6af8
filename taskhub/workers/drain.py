"""Runs everything that is due, here and now: for tests, the demo's first day and the command line."""

from __future__ import annotations

import random

from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.handler import Handlers
from taskhub.db.turns import Turns
from taskhub.workers.holdings import Holdings
from taskhub.workers.runner import Runner

ENDLESS = 1_000_000


def run_due(database: Database, handlers: Handlers, *, limit: int = ENDLESS) -> int:
    """Runs due rows, and those they make due, in this thread until none is left or ``limit`` ran. Returns how many."""
    holdings = Holdings(database)
    runner = Runner(database, handlers, holdings, random.Random(0))  # noqa: S311
    turns = Turns()
    count = 0
    while count < limit:
        with database.begin() as tx:
            room = min(ledger.LIMIT, limit - count)
            rows = ledger.take(tx.conn, tx.now, tx.after(ledger.HOLD * 15), limit=room, rung_before=tx.now, turns=turns)
        if not rows:
            break
        for row in rows:
            runner.run(row)
        holdings.pay()
        count += len(rows)
    return count
