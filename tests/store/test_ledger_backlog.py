"""Looks at the ledger cost little however much of it waits."""

import pytest
from sqlalchemy import event, insert, text, update

from taskhub.db import ledger
from taskhub.db.tables import message
from tests.store.book import HOUR, NOW, SECOND, Ledger, c


@pytest.fixture
def book(database_url):
    book = Ledger(database_url)
    yield book
    book.engine.dispose()


def test_every_look_stays_quick_with_a_long_backlog(book):
    """Each has an index for its own kind of rows: the plan may not read all that are due."""
    common = {"topic": "t", "handler": "h", "payload": {}, "emitted_at": NOW - SECOND, "due_at": NOW}
    common["source"] = ""
    backlog = [{**common, "mode": mode, "key": str(n)} for n in range(7_000) for mode in ("each", "one", "outside")]
    backlog += [{**common, "mode": "each", "key": str(n), "source": "flood"} for n in range(20_000)]
    book.call(lambda conn: conn.execute(insert(message), backlog))
    book.call(lambda conn: conn.execute(update(message).where(c.id % 3 == 0).values(due_at=NOW + HOUR)))
    plans = {}
    lite = book.engine.dialect.name == "sqlite"

    @event.listens_for(book.engine, "before_cursor_execute")
    def explain(_conn, cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT") and "message" in statement:
            cursor.execute(("EXPLAIN QUERY PLAN " if lite else "EXPLAIN ") + statement, parameters)
            plans[name] = "\n".join(map(str, cursor.fetchall()))

    looks = {
        "ix_message_turn": lambda conn: ledger.take_fresh(conn, NOW, NOW, limit=9, rung_before=NOW, outside=False),
        "ix_message_outside": lambda conn: ledger.take_fresh(conn, NOW, NOW, limit=9, rung_before=NOW, outside=True),
        "ix_message_tried": lambda conn: ledger.take_tried(conn, NOW, NOW, outside=False),
    }
    book.call(lambda conn: conn.execute(text("ANALYZE")))
    for name, look in looks.items():
        book.call(look)
        assert name in plans[name]
