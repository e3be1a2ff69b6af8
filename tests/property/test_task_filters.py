"""The filters that lie in the task itself, in SQL, against the same filters as pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text

from taskhub.assignment import eligibility, store, take
from taskhub.assignment.swift_statements import FILTERS
from taskhub.db.tables import absence, exclusion
from taskhub.db.tables import task as task_table
from taskhub.tasks import making
from taskhub.tasks.model import NewTask
from taskhub.testing.clock import MONDAY
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
COUNT = 12
# Whole hours around now, so that every edge (begins now, ends now, due now) is met often.
HOURS = st.integers(-3, 4)
WHYS = st.sampled_from(["declined", "not_by", "conflict_of_interest"])


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A dozen tasks that every example dresses anew."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    lite = request.param == "sqlite"
    url = databases.create(tmp_path_factory.mktemp("filters")) if lite else databases.create()
    made = Desk(url)
    made.staff("front", "ana", "bob")
    with made.db.begin() as tx:
        making.make(tx, [NewTask("billing", f"Bill {n}") for n in range(COUNT)])
    yield made
    made.db.close()
    if not lite:
        databases.drop(url)


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(HOURS, st.integers(1, 3)), max_size=3)


def dress(tx: Any, leaves: list[tuple[int, int]], tasks: list[tuple[int | None, Any]]) -> list[str]:
    """Absences of ana, due times and exclusions of the tasks."""
    tx.conn.execute(delete(absence))
    tx.conn.execute(delete(exclusion))
    for number, (begin, length) in enumerate(leaves):
        at = MONDAY + begin * HOUR
        tx.conn.execute(insert(absence).values(id=str(number), agent="ana", from_at=at, until_at=at + length * HOUR))
    ids = list(tx.conn.execute(select(task_table.c.id).order_by(task_table.c.id)).scalars())
    for id_, (due, out) in zip(ids, tasks, strict=True):
        due_at = None if due is None else MONDAY + due * HOUR
        tx.conn.execute(task_table.update().where(task_table.c.id == id_).values(due_at=due_at))
        for (who, why), until in out.items():
            end = None if until is None else MONDAY + until * HOUR
            tx.conn.execute(insert(exclusion).values(task=id_, agent=who, why=why, until=end))
    return ids


EXCLUSIONS = st.dictionaries(st.tuples(st.sampled_from(["ana", "bob"]), WHYS), st.none() | HOURS, max_size=3)
TASKS = st.lists(st.tuples(st.none() | HOURS, EXCLUSIONS), min_size=COUNT, max_size=COUNT)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(spans(), TASKS)
def test_sql_and_pure_filters_agree(desk: Desk, leaves: list[tuple[int, int]], tasks: list[Any]) -> None:
    with desk.db.begin() as tx:
        ids = dress(tx, leaves, tasks)
        me = store.person(tx, "ana", [], lock=False)
        assert me is not None
        shapes, out = store.shapes(tx, None), store.excluded(tx, ids)
        facts = [store.facts_of(row, shapes, out) for row in store.waiting(tx, ids)]
        pure = {fact.id for fact in facts if not eligibility.of_task(me, fact, tx.now)}
        assert set(tx.conn.execute(select(task_table.c.id).where(*take.task_filters(tx, me))).scalars()) == pure
        if not tx.lite:
            given_ = {"me": "ana", "now": tx.now, "no_absence": not me.absences}
            swiftly = text(f"SELECT t.id FROM task t WHERE t.state = 'queued' {FILTERS}")
            assert set(tx.conn.execute(swiftly, given_).scalars()) == pure
