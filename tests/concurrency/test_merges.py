"""Everybody merges everybody at once: one record is left, nobody saw a deadlock, nothing points into the void."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.acts import converting, merging, selling, unmerging
from taskhub.acts.merging import Wanted
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.tables import task
from taskhub.db.tables_merges import merge
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tx import By, Tx
from taskhub.errors import Conflict
from taskhub.events import service as events
from taskhub.events.cloudevents import read_structured
from taskhub.events.model import RecordRef
from taskhub.sales.conversion import Asked
from taskhub.testing import organisation as org
from taskhub.testing.drain import drain
from tests.api.house import policies

REP = By("agent:rep", "rep", "rep", "sales", ("rep",))
TRIES = 3


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = org.database(database_url, policies(), pool=24)
    with made.begin(org.ADMIN) as tx:
        org.people(tx, "sales", ["rep"], "front_line", roles=["rep"])
    yield made
    made.close()


def lead(db: Database, number: int) -> str:
    with db.begin(REP, act="lead.create") as tx:
        return selling.create(tx, "lead", {"name": f"Ann {number}", "company": "Roux"}).ref.id


def tried(db: Database, work: Callable[[Tx], Any]) -> str:
    """As the edge of a call does it: again where the database chose a victim."""
    for left in reversed(range(TRIES)):
        try:
            with db.begin(REP, act="lead.merge") as tx:
                work(tx)
        except Conflict as refused:
            return refused.stable_code
        except Interrupted:
            if not left:
                return "deadlock"
        else:
            return "done"
    raise AssertionError


def at_once(db: Database, works: list[Callable[[Tx], Any]], *, drained: bool = False) -> list[str]:
    """``drained``: meanwhile a worker applies what there is to apply."""
    start = threading.Barrier(len(works) + drained)

    def run(work: Callable[[Tx], Any]) -> str:
        start.wait()
        return tried(db, work)

    def drain_() -> None:
        start.wait()
        drain(db)

    with ThreadPoolExecutor(len(works) + 1) as pool:
        beside = pool.submit(drain_) if drained else None
        told = list(pool.map(run, works))
    if beside is not None:
        beside.result()
    return told


def merge_of(stays: str, gone: str) -> Callable[[Tx], Any]:
    return lambda tx: merging.merge(tx, Wanted(RecordRef("lead", stays), (RecordRef("lead", gone),)))


def check(db: Database) -> dict[str, str]:
    """Pointers lead to a record that is there, and all open work is about one. Returns gone → stays."""
    table = RECORDS["lead"]
    with db.read() as tx:
        live = dict(tx.conn.execute(select(merge.c.gone, merge.c.stays).where(merge.c.undone_at.is_(None))).all())
        rows = {f"lead:{row.id}": row.fields for row in tx.conn.execute(select(table.c.id, table.c.fields))}
        about = set(tx.conn.execute(select(task.c.record).where(task.c.state != "cancelled")).scalars())
    for record, fields in rows.items():
        assert bool(fields.get("deleted")) == (record in live)
        assert fields.get("merged_into") == (live[record].removeprefix("lead:") if record in live else None)
        seen, now = {record}, record
        while now in live:
            now = live[now]
            assert now not in seen, "round in a circle"
            seen.add(now)
    assert about <= rows.keys() - live.keys(), "work about a record that is gone"
    return live


def test_a_hundred_merges_of_overlapping_pairs(db: Database) -> None:
    ids = [lead(db, number) for number in range(12)]
    drain(db)
    pairs = [(ids[n % 12], ids[(n * 5 + 1) % 12]) for n in range(140) if n % 12 != (n * 5 + 1) % 12][:100]
    assert len(pairs) == 100
    told = Counter(at_once(db, [merge_of(*pair) for pair in pairs]))
    assert set(told) <= {"done", "already_merged", "merge_cycle"}
    drain(db)
    live = check(db)
    assert told["done"] == len(live) > 0
    with db.read() as tx:
        open_ = tx.conn.execute(select(task.c.record).where(task.c.state == "queued")).scalars().all()
    assert sorted(open_) == sorted({f"lead:{id_}" for id_ in ids} - live.keys()), "one call for each that is left"


def test_both_ways_at_once_is_one_way(db: Database) -> None:
    for _ in range(8):
        one, two = lead(db, 1), lead(db, 2)
        told = at_once(db, [merge_of(one, two), merge_of(two, one)])
        assert sorted(told) == ["already_merged", "done"]
    drain(db)
    check(db)


def test_merge_conversion_loss_and_event_at_once(db: Database) -> None:
    for number in range(6):
        stays, gone = lead(db, number), lead(db, number)
        sent = {
            "specversion": "1.0", "id": f"e{number}", "source": "s", "type": "lead.updated",
            "data": {"lead": {"id": gone, "phone": "+33 1"}},
        }  # fmt: skip

        def event(tx: Tx, sent: dict[str, Any] = sent) -> None:
            events.ingest(tx, [read_structured(sent, tx.now)], b"{}", {}, "application/json")

        told = at_once(db, [
            merge_of(stays, gone),
            lambda tx, id_=stays: converting.convert(tx, id_, Asked(deal={})),
            lambda tx, id_=gone: selling.lose(tx, RecordRef("lead", id_), "price"),
            lambda tx, id_=gone: converting.convert(tx, id_, Asked(deal={})),
            event,
        ], drained=True)  # fmt: skip
        assert "deadlock" not in told
        drain(db)
        live = check_quietly(db, gone)
        if live:
            with db.read() as tx:
                table = RECORDS["lead"]
                known = tx.conn.execute(select(table.c.fields).where(table.c.id == stays)).scalar_one()
            assert known["phone"] == "+33 1"
            assert told[3] in ("already_merged", "already_lost", "version_clash")


def check_quietly(db: Database, gone: str) -> bool:
    with db.read() as tx:
        wanted = select(merge.c.id).where(merge.c.gone == f"lead:{gone}", merge.c.undone_at.is_(None))
        return tx.conn.execute(wanted).first() is not None


def test_undo_by_two_at_once_gives_back_once(db: Database) -> None:
    one, two = lead(db, 1), lead(db, 2)
    drain(db)
    with db.begin(REP, act="lead.merge") as tx:
        done = merge_of(one, two)(tx)
    told = at_once(db, [lambda tx: unmerging.undo(tx, done.merges[0]) for _ in range(8)])
    assert Counter(told) == {"done": 1, "already_done": 7}
    drain(db)
    assert check(db) == {}
