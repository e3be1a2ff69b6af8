"""The ledger at a time of the test's choosing."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from taskhub.db import deaths, engine, ledger, outbox
from taskhub.db.outbox import Row
from taskhub.db.tables import message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
c = message.c


class Ledger:
    """One transaction per call, at a time of the test's choosing."""

    def __init__(self, url):
        self.engine = engine.writer(url, 4)
        self.now = NOW

    def call(self, function, *args, **named):
        with self.engine.begin() as conn:
            return function(conn, *args, **named)

    def emit(self, *keys, mode="each", handler="h", due_at=None, earliest=False, n=0):
        rows = [Row("t", handler, key, mode, {"n": n}, due_at or self.now, earliest) for key in keys]
        return self.call(outbox.write, rows, self.now)()

    def take(self, how=ledger.take_fresh, **named):
        if how in (ledger.take, ledger.take_fresh):
            named = {"limit": 100, "rung_before": self.now} | named
        if how is ledger.take_fresh and "turns" in named:
            named["outside"] = False
        if how is ledger.take_fresh and "outside" not in named:
            return self.take(how, **named, outside=False) or self.take(how, **named, outside=True)
        return self.call(how, self.now, self.now + ledger.HOLD, **named)

    def one(self, how=ledger.take_fresh, **named):
        (row,) = self.take(how, **named)
        return row

    def settle(self, row):
        return self.call(ledger.settle, row, self.now)

    def fail(self, row, text="boom"):
        wait = ledger.wait_after(row, 1.0)
        again_at = self.now + (wait or timedelta())
        self.call(ledger.fail, row, text, again_at, self.now, dead=wait is None)
        return wait

    def bury(self):
        spent = self.call(deaths.spent, self.now)
        return len(self.call(deaths.declare, self.now, [row.id for row in spent]))

    def column(self, column):
        return self.call(lambda conn: list(conn.execute(select(column).order_by(c.id)).scalars()))

    def pass_(self, time):
        self.now += time
