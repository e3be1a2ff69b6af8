"""A database with a small flow, handlers that note what they did, and workers that are stopped whatever happens."""

import threading
import time
from collections import defaultdict
from contextlib import ExitStack

from sqlalchemy import select

from taskhub.db import leftovers
from taskhub.db.database import Database
from taskhub.db.flow import Route
from taskhub.db.tables import history, message
from taskhub.workers import Worker

FLOW = {
    name: [Route(name, mode)]
    for name, mode in (("work", "each"), ("wake", "one"), ("crm", "outside"), ("poison", "each"), ("unknown", "each"))
}
LONG = 90.0


def note(tx, row):
    """A handler: its effect is a history row."""
    tx.record("row", str(row.id), "ran", {"key": row.key, "try": row.attempts})


class House:
    def __init__(self, url, **options):
        self.database = Database(url, flow=FLOW, loader=None, **options)
        self.handlers = {"work": note, "wake": note}
        self.closing = ExitStack()
        self.closing.callback(self.database.close)

    def worker(self, bell=None, **options):
        worker = Worker(self.database, self.handlers, bell, **({"threads": 4, "outside_threads": 2} | options))
        self.closing.callback(worker.stop)
        return worker.start()

    def emit(self, topic, *keys, wait=None):
        with self.database.begin() as tx:
            for key in keys:
                tx.emit(topic, key, due_at=wait and tx.after(wait))

    def ran(self):
        """How often each key had its effect."""
        counts = defaultdict(int)
        with self.database.read() as tx:
            for change in tx.conn.execute(select(history.c.change)).scalars():
                counts[change["key"]] += 1
        return dict(counts)

    def rows(self, **which):
        with self.database.read() as tx:
            query = select(message).where(*[message.c[name] == value for name, value in which.items()])
            return list(tx.conn.execute(query.order_by(message.c.id)))

    def census(self):
        with self.database.read() as tx:
            return leftovers.census(tx.conn, tx.now)

    def wait_for(self, question, timeout=LONG):
        """Asks again and again until the answer is yes. The bound is for a machine that is busy with other things."""
        return wait_for(question, timeout)


def wait_for(question, timeout=LONG):
    end = time.monotonic() + timeout
    while not (answer := question()):
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.02)
    return answer
