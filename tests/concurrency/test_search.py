"""Many write records with the same new words at once: nobody waits for another's word, and all are found."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhub.acts import selling
from taskhub.db.database import Database
from taskhub.db.tx import By
from taskhub.events.model import RecordRef
from taskhub.sales.search import filling, service
from taskhub.sales.search.scope import EVERYTHING
from taskhub.testing import organisation as org

ROB = By("agent:rob", "rep", "rob", "sales", ("rep",))
MANY = 12


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    made = org.database(database_url, org.policies(), pool=MANY + 2)
    with made.begin(org.ADMIN) as tx:
        org.people(tx, "sales", ["rob"], "front_line", roles=["rep"])
    yield made
    made.close()


def found(db: Database, q: str) -> set[str]:
    with db.read() as tx:
        return {one.record for one in service.find(tx, q, EVERYTHING, None, 50).items}


def test_new_words_in_every_order_at_once(db: Database) -> None:
    start = threading.Barrier(MANY)

    def make(number: int) -> str:
        words = ["Zephyrine", "Quaternio", "Xylophage"]
        start.wait()
        with db.begin(ROB, act="lead.create") as tx:
            first = selling.create(tx, "lead", {"name": words[number % 3], "company": words[(number + 1) % 3]})
            selling.create(tx, "account", {"name": " ".join(reversed(words))})
        return str(first.ref)

    with ThreadPoolExecutor(MANY) as pool:
        made = set(pool.map(make, range(MANY)))
    for part in ("zephyr", "aternio", "xyloph"):
        assert len(found(db, part)) == MANY + MANY * 2 // 3
    leads = {one for q in ("zephyr", "quatern", "xyloph") for one in found(db, q) if one.startswith("lead:")}
    assert leads == made


def test_filling_in_beside_a_change_leaves_the_newer_words(db: Database) -> None:
    with db.begin(ROB, act="lead.create") as tx:
        ref = selling.create(tx, "lead", {"name": "Before"}).ref
    start = threading.Barrier(2)

    def change() -> None:
        start.wait()
        with db.begin(ROB, act="lead.patch") as tx:
            selling.patch(tx, RecordRef("lead", ref.id), 1, {"name": "Afterwards"})

    def fill() -> None:
        start.wait()
        filling.rebuild(db.begin, lambda _done, _new: None)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(change), pool.submit(fill)]:
            done.result()
    assert (found(db, "before"), found(db, "afterw")) == (set(), {str(ref)})
