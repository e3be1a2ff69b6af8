"""The claim's lock reads what holds and what is to come; how much lies behind does not matter to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert

from taskhub.assignment import swift
from taskhub.assignment.swift_statements import LOCK
from taskhub.db.quick import array
from taskhub.db.tables import absence, loan, staffing
from taskhub.db.tx import Tx
from taskhub.queues import service as queues
from taskhub.queues import store
from tests.service.desk import Desk

PAST, PIECE = 10_000, 1_000
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Desk]:
    made = Desk(postgres_url)
    made.staff("specialists", "ana")
    yield made
    made.db.close()


def past(desk: Desk, count: int) -> None:
    """So many switches, loans and absences that are long over, newest last."""
    for first in range(0, count, PIECE):
        with desk.as_("worker") as tx:
            _past(tx, range(first, min(first + PIECE, count)), count)
    with desk.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")


def _past(tx: Tx, numbers: range, count: int) -> None:
    at = {n: tx.now - (count - n) * HOUR - 40 * 24 * HOUR for n in numbers}
    switches = [
        {"id": f"s{n:06}", "queue": ("desk", "front")[n % 2], "model": ("rotating", "dedicated")[n // 2 % 2],
         "params": {}, "effective_at": when, "at": when, "by": "admin"} for n, when in at.items()
    ]  # fmt: skip
    spans = {n: {"agent": "ana", "from_at": when, "until_at": when + HOUR} for n, when in at.items()}
    over = {"queue": "front", "by": "admin", "at": tx.now}
    tx.conn.execute(insert(staffing), switches)
    tx.conn.execute(insert(absence), [{"id": f"a{n:06}", **span} for n, span in spans.items()])
    tx.conn.execute(insert(loan), [{"id": f"l{n:06}", **over, **span} for n, span in spans.items()])


def read(tx: Tx) -> Counter[str]:
    """How many rows of each table the lock's statement looks at."""
    given = {"me": "ana", "now": tx.now, "recently": tx.now - swift.LONGEST_RAMP, "front_line": "{}",
             "served": array(tx.policies.queues)}  # fmt: skip
    cursor = psycopg.RawCursor(tx.conn.connection.driver_connection)  # type: ignore[arg-type]
    cursor.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + LOCK.text, [given[name] for name in LOCK.names])
    row = cursor.fetchone()
    assert row is not None
    plan = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    found: Counter[str] = Counter()
    for node in _nodes(plan[0]["Plan"]):
        looked = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        found[node.get("Relation Name", "")] += int(looked * node["Actual Loops"])
    return found


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def test_ten_thousand_past_switches_loans_and_absences_are_not_read(desk: Desk) -> None:
    past(desk, PAST)
    with desk.as_("ana") as tx:
        looked = read(tx)
    # Two of each queue: the second shows that no other began at the same instant.
    assert looked["staffing"] <= 2 * len(desk.policies.queues)
    assert looked["loan"] == looked["absence"] == 0
    assert len(desk.rows(staffing)) == PAST


def test_both_forms_of_the_claim_find_the_newest_switch_of_each_queue(desk: Desk) -> None:
    past(desk, 40)
    with desk.as_("admin") as tx:
        ahead = {"queue": "desk", "model": "chain", "params": {}, "at": tx.now, "by": "admin"}
        tx.conn.execute(insert(staffing).values(id="z", effective_at=tx.now + HOUR, **ahead))
    with desk.as_("ana") as tx:
        locked = swift.lock(tx, "ana", ())
        assert locked is not None
        held = store.holding(tx, list(tx.policies.queues))
    assert {key: one["id"] for key, one in locked.switches.items()} == {"desk": "s000038", "front": "s000039"}
    assert {key: one.id for key, one in held.items()} == {"desk": "s000038", "front": "s000039"}


def test_on_sqlite_too_the_newest_that_has_started_holds(sqlite_url: str) -> None:
    desk = Desk(sqlite_url)
    with desk.as_("worker") as tx:
        for n, hours in enumerate((-3, -1, -1, 2)):
            when = tx.now + hours * HOUR
            row = {"id": f"s{n}", "queue": "desk", "model": "rotating", "params": {}, "at": when, "by": "admin"}
            tx.conn.execute(insert(staffing).values(effective_at=when, **row))
        assert {key: one.id for key, one in store.holding(tx, ["desk", "front"]).items()} == {"desk": "s2"}
        assert [one.id for one in queues.past(tx, "desk", 2)] == ["s2", "s1"]
        assert [one.id for one in queues.planned(tx, ["desk"])] == ["s3"]
        assert queues.past(tx, "front", 2) == []
    desk.db.close()
