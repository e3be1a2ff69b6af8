"""Workers cut into steps: look, run, prolong, give back. Between any two everybody else may act, or one dies."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from taskhub.bootstrap import new_terms
from taskhub.db import deaths, ledger
from taskhub.db.database import Database
from taskhub.db.handler import Handlers
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import Unavailable
from taskhub.escalation.notifications.deliver import Deliver
from taskhub.flow import HANDLERS
from taskhub.workers.holdings import Holdings
from taskhub.workers.pulse import Pulse
from taskhub.workers.runner import Runner

FRESH = timedelta(seconds=6)
RUNG = timedelta(seconds=1)


class Worker:
    """One process with the ledger's, the runner's and the holdings' real parts; its threads are the scheduler's."""

    def __init__(self, name: str, db: Database, handlers: Handlers, chance: random.Random) -> None:
        self.name = name
        self.waiting: list[Taken] = []
        self.frozen = False
        self.tokens: set[str] = set()  # every one it ever had
        self.beaten_at: datetime | None = None
        self.db = db
        self._holdings = Holdings(db)
        self._runner = Runner(db, handlers, self._holdings, chance)
        self._pulse = Pulse(db, self._holdings, (new_terms,))

    def fresh(self, now: datetime) -> bool:
        """Whether it may handle anything: it has looked a moment ago."""
        return self.beaten_at is not None and timedelta() <= now - self.beaten_at < FRESH

    def beat(self, now: datetime) -> None:
        """Notes that it looks; after a gap leases get their new term first."""
        self._pulse.beat()
        self.beaten_at = now

    def look(self, chance: random.Random, heard: list[int]) -> list[Taken]:
        """One taking transaction, of one of the kinds there are."""
        self._holdings.pay()
        with self.db.begin() as tx:
            rows = self._take(tx, chance, heard)
        self.hold(rows)
        return rows

    def hold(self, rows: list[Taken]) -> None:
        """These were taken."""
        self._holdings.add(rows)
        self.waiting += rows
        self.tokens |= {row.token for row in rows}

    def _take(self, tx: Tx, chance: random.Random, heard: list[int]) -> list[Taken]:
        until, way = tx.after(ledger.HOLD), chance.random()
        if heard and way < 0.25:
            return ledger.take_rung(tx.conn, heard, tx.now, until)
        if way < 0.8:
            return [
                row
                for outside in (False, True)
                for row in ledger.take_fresh(
                    tx.conn, tx.now, until, limit=chance.randint(1, 5), rung_before=tx.after(-RUNG), outside=outside
                )
            ]
        deaths.bury(tx)
        return ledger.take_tried(tx.conn, tx.now, until) or ledger.take_last(tx.conn, tx.now, until)

    def run(self, index: int) -> Taken:
        """Runs one of the rows it holds, however long ago it took it."""
        row = self.waiting.pop(index)
        self._runner.run(row)
        return row

    def prolong(self) -> None:
        """Keeps what it holds for another while."""
        self._holdings.prolong()

    def give_back(self, index: int) -> Taken:
        """Returns one row untried."""
        row = self.waiting.pop(index)
        self._holdings.owe(row)
        self._holdings.pay()
        return row


class Post:
    """Takes letters out of the house: nothing leaves, but it may take long or fail, and every sending is counted."""

    def __init__(self, meanwhile: Callable[[str], None]) -> None:
        self.sent: dict[str, int] = {}
        self._meanwhile = meanwhile
        self._inner = Deliver({})

    def prepare(self, tx: Tx, row: Taken) -> Callable[[], Any] | None:
        """The sending of one letter; None when it has left."""
        work = self._inner.prepare(tx, row)
        if work is None:
            return None

        def send() -> None:
            self.sent[row.key] = self.sent.get(row.key, 0) + 1
            self._meanwhile(row.key)
            work()

        return send

    def finish(self, tx: Tx, row: Taken, result: Any) -> None:
        """It has left the house."""
        self._inner.finish(tx, row, result)


def handlers(post: Post) -> Handlers:
    """The flow as it is, with the post of the simulation."""
    return {**HANDLERS, "letter.send": post}


def refused() -> Unavailable:
    """What the other side says when it takes nothing."""
    return Unavailable("The other side does not take it now.", retry_after=5)
