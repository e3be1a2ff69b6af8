"""Looks at the ledger cost little however much of it waits."""

from collections import Counter

import pytest
from sqlalchemy import event, insert, text, update

from taskhub.db import deaths, ledger, leftovers
from taskhub.db.tables import message
from taskhub.db.turns import Turns
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
            plans.setdefault(name, "\n".join(map(str, cursor.fetchall())))

    looks = {
        "ix_message_ours": lambda conn: ledger.take_fresh(conn, NOW, NOW, limit=9, rung_before=NOW, outside=False),
        "ix_message_outside": lambda conn: ledger.take_fresh(conn, NOW, NOW, limit=9, rung_before=NOW, outside=True),
        "ix_message_tried": lambda conn: ledger.take_tried(conn, NOW, NOW, outside=False),
        "ix_message_tried ": lambda conn: deaths.spent(conn, NOW),
        "ix_message_dead": lambda conn: leftovers.dead_of(conn, ["t"], "1"),
    }
    book.call(lambda conn: conn.execute(text("ANALYZE")))
    for name, look in looks.items():
        book.call(look)
        assert name.strip() in plans[name]


def test_a_flood_of_50000_keeps_neither_other_sources_nor_timers_waiting(book):
    """Also before the database has counted what is there: nothing but the index of sources fits the question."""
    common = {"topic": "t", "handler": "h", "payload": {}, "emitted_at": NOW - SECOND, "mode": "each", "due_at": NOW}
    for start in range(0, 50_000, 10_000):
        flood = [{**common, "key": str(n), "source": "flood"} for n in range(start, start + 10_000)]
        book.call(lambda conn, rows=flood: conn.execute(insert(message), rows))
    late = {**common, "due_at": NOW + SECOND}
    few = [{**late, "key": f"few{n}", "source": "few"} for n in range(10)]
    timers = [{**late, "key": f"timer{n}", "mode": "one", "source": ""} for n in range(10)]
    book.call(lambda conn: conn.execute(insert(message), [*few, *timers]))
    book.pass_(SECOND)
    plans = []
    lite = book.engine.dialect.name == "sqlite"

    @event.listens_for(book.engine, "before_cursor_execute")
    def explain(_conn, cursor, statement, parameters, _context, _many):
        if "message" in statement and not statement.startswith(("EXPLAIN", "UPDATE")):
            cursor.execute(("EXPLAIN QUERY PLAN " if lite else "EXPLAIN ") + statement, parameters)
            plans.append("\n".join(map(str, cursor.fetchall())))

    turns = Turns()
    given = {"limit": 16, "rung_before": book.now, "outside": False, "turns": turns}
    taken = book.call(lambda conn: ledger.take_fresh(conn, book.now, book.now + ledger.HOLD, **given))
    assert Counter(row.source for row in taken) == {"": 8, "few": 4, "flood": 4}
    ours, *theirs = plans
    assert "ix_message_ours" in ours
    assert len(theirs) == 3
    assert all("ix_message_source" in plan for plan in theirs)
    taken += book.call(lambda conn: ledger.take_fresh(conn, book.now, book.now + ledger.HOLD, **given))
    assert Counter(row.source for row in taken) == {"": 10, "few": 10, "flood": 12}
