"""A loss is undone: the work it closed is wanted again, unless somebody or something else ended it as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from taskhub.acts import selling, undo
from taskhub.db.database import Database
from taskhub.db.tables import act, task
from taskhub.db.tx import By
from taskhub.events import service as events
from taskhub.events.cloudevents import read_structured
from taskhub.events.model import RecordRef
from taskhub.policy.rule import Rule
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain
from tests.api.house import policies

REP = By("agent:rep", "rep", "rep", "sales", ("rep",))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    known = policies()
    lost = Rule("lost", on=("lead.lost",), close=("*",), close_reason="lost")
    moved = Rule("moved", on=("lead.stage_changed",), close=("customs",), close_reason="moved")
    made = org.database(database_url, replace(known, rules=(*known.rules, lost, moved)))
    with made.begin(org.ADMIN) as tx:
        org.people(tx, "sales", ["rep"], "front_line", roles=["rep"])
    yield made
    made.close()


def lead(db: Database) -> RecordRef:
    with db.begin(REP, act="lead.create") as tx:
        ref = selling.create(tx, "lead", {"name": "Ann", "company": "Roux"}).ref
    drain(db)
    return ref


def lose(db: Database, ref: RecordRef) -> str:
    """The id of the act."""
    with db.begin(REP, act="lead.lose") as tx:
        selling.lose(tx, ref, "price")
    return tx.act_id


def take_back(db: Database, id_: str) -> None:
    with db.begin(REP, act="act.undo") as tx:
        undo.undo(tx, id_)
    drain(db)


def tell(db: Database, type_: str, ref: RecordRef, days_ago: int, **fields: str) -> None:
    with db.begin() as tx:
        at = (tx.now - timedelta(days=days_ago)).isoformat()
        sent = {"specversion": "1.0", "id": f"{type_}{days_ago}", "source": "s", "type": type_, "time": at}
        event = {**sent, "data": {"lead": {"id": ref.id, **fields}}}
        events.ingest(tx, [read_structured(event, tx.now)], b"{}", {}, "application/json")
    drain(db)


def states(db: Database) -> list[str]:
    with db.read() as tx:
        return sorted(tx.conn.execute(select(task.c.state)).scalars())


def test_what_the_loss_closed_is_open_again_and_the_loss_is_not_remembered(db: Database) -> None:
    ref = lead(db)
    assert states(db) == ["queued"]
    id_ = lose(db, ref)
    drain(db)
    assert states(db) == ["cancelled"]
    take_back(db, id_)
    assert states(db) == ["queued"]
    tell(db, "lead.created", ref, 1, name="Bob")
    assert states(db) == ["queued", "queued"], "work of before the loss is not closed by it any more"
    lose(db, ref)
    drain(db)
    assert states(db) == ["cancelled", "cancelled"]


def test_a_loss_undone_before_it_was_applied_never_closed_anything(db: Database) -> None:
    ref = lead(db)
    take_back(db, lose(db, ref))
    assert states(db) == ["queued"]


def test_what_a_person_ended_stays_ended(db: Database) -> None:
    ref = lead(db)
    with db.begin(org.ADMIN, act="task.cancel") as tx:
        tasks.cancel(tx, tx.conn.execute(select(task.c.id)).scalar_one(), "set_aside")
    id_ = lose(db, ref)
    drain(db)
    take_back(db, id_)
    assert states(db) == ["cancelled"]


def test_what_something_else_closes_as_well_stays_closed_by_that(db: Database) -> None:
    ref = lead(db)
    id_ = lose(db, ref)
    drain(db)
    tell(db, "lead.stage_changed", ref, 0, stage="known")
    take_back(db, id_)
    with db.read() as tx:
        assert tx.conn.execute(select(task.c.state, task.c.outcome)).all() == [("cancelled", "moved")]
        assert tx.conn.execute(select(act.c.undone_by).where(act.c.id == id_)).scalar_one()
