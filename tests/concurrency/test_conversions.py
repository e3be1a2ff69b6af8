"""A hundred people press the same button: one deal, and everybody else is told who and when."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub.acts import converting, selling, unconverting
from taskhub.db.database import Database
from taskhub.db.tables import task
from taskhub.db.tables_sales import account, contact, conversion, deal
from taskhub.db.tx import By
from taskhub.errors import Conflict
from taskhub.sales.conversion import Asked
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain
from tests.api.house import policies

ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example"}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = org.database(database_url, policies(), pool=24)
    with made.begin(org.ADMIN) as tx:
        org.people(tx, "sales", [f"rep{n}" for n in range(4)], "front_line", roles=["rep"])
    yield made
    made.close()


def rep(number: int) -> By:
    key = f"rep{number % 4}"
    return By(f"agent:{key}", "rep", key, "sales", ("rep",))


def lead(db: Database, number: int = 0, **more: Any) -> str:
    with db.begin(rep(number), act="lead.create") as tx:
        return selling.create(tx, "lead", {**ANN, **more}).ref.id


def press(db: Database, number: int, id_: str, start: threading.Barrier) -> tuple[str, dict[str, Any]]:
    start.wait()
    try:
        with db.begin(rep(number), act="lead.convert") as tx:
            done = converting.convert(tx, id_, Asked(deal={}))
    except Conflict as refused:
        return refused.stable_code, refused.fields
    assert done.deal is not None
    return "converted", {"deal": done.deal.ref.id, "converted_by": f"rep{number % 4}"}


def count(db: Database, table: Any) -> int:
    with db.read() as tx:
        return tx.conn.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_hundred_convert_one_lead(db: Database) -> None:
    id_, start = lead(db), threading.Barrier(100)
    with ThreadPoolExecutor(100) as pool:
        told = list(pool.map(lambda number: press(db, number, id_, start), range(100)))
    assert Counter(said for said, _ in told) == {"converted": 1, "already_converted": 99}
    (winner,) = [facts for said, facts in told if said == "converted"]
    for said, facts in told:
        if said != "converted":
            assert (facts["deal"], facts["converted_by"]) == (winner["deal"], winner["converted_by"])
            assert facts["converted_at"]
    assert [count(db, table) for table in (deal, account, contact, conversion)] == [1, 1, 1, 1]
    drain(db)


def test_leads_of_one_company_meet_in_one_account(db: Database) -> None:
    """Each is another lead, so no lock of theirs is shared: what is not there yet is held by its name."""
    ids = [lead(db, number, email=f"p{number}@roux.example") for number in range(12)]
    start = threading.Barrier(12)
    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(lambda number: press(db, number, ids[number], start), range(12)))
    assert {said for said, _ in told} == {"converted"}
    assert [count(db, table) for table in (deal, account, contact)] == [12, 1, 12]


def test_undo_races_with_the_rules_and_with_itself(db: Database) -> None:
    """Whoever is first: the work is cancelled or never made, and the lead is open once."""
    for _ in range(5):
        id_ = lead(db)
        with db.begin(rep(0), act="lead.convert") as tx:
            done = converting.convert(tx, id_, Asked(deal={}))
        start = threading.Barrier(3)

        def back(number: int, id_: str = id_, start: threading.Barrier = start) -> str:
            start.wait()
            if number == 2:
                drain(db)
                return "drained"
            try:
                with db.begin(rep(number), act="lead.undo_conversion") as tx:
                    return str(unconverting.undo(tx, id_).fields["status"])
            except Conflict as refused:
                return refused.stable_code

        with ThreadPoolExecutor(3) as pool:
            said = sorted(pool.map(back, range(3)))
        assert said == ["drained", "not_converted", "open"]
        drain(db)
        with db.read() as tx:
            assert done.deal is not None
            open_ = select(task.c.title).where(task.c.deal == done.deal.ref.id, task.c.state != "cancelled")
            assert tx.conn.execute(open_).scalars().all() == []
