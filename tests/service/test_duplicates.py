"""Doubles are seen before they are made and in bulk, as records change; what was denied stays away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, select

from taskhub.db.tables import message
from taskhub.db.tables_duplicates import duplicate_key, duplicate_print
from taskhub.db.tables_sales import lead
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.events.model import Event, RecordRef
from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales import service as sales
from taskhub.sales.duplicates import denials, runs, service
from taskhub.sales.duplicates.blocking import TOO_COMMON, keys_of
from taskhub.sales.duplicates.prints import PERSON, print_of
from taskhub.sales.duplicates.store import prints as store
from taskhub.testing import organisation as org
from tests.service.desk import Desk

JANE = {"name": "Jane Smith", "company": "Acme Ltd", "email": "jane.smith@acme.com", "phone": "+44 20 7946 0018"}
TWIN = {"name": "SMITH, Jane", "company": "ACME Limited", "email": "Jane.Smith@acme.com", "phone": "0044 2079460018"}
OTHER = {"name": "John Miller", "company": "Acme Ltd", "email": "john.miller@acme.com", "phone": "+44 20 7946 0018"}


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, org.policies(duplicates=DuplicatePolicy("GB")))
    yield made
    made.db.close()


def told(desk: Desk, noun: str, id_: str, at: datetime | None = None, **fields: Any) -> None:
    """An event says this of a record."""
    event = Event("crm", f"{noun}-{id_}", (f"{noun}.updated",), at or desk.clock.now, RecordRef(noun, id_),
                  {noun: {"id": id_, **fields}})  # fmt: skip
    with desk.db.begin() as tx:
        sales.apply(tx, event)


def doubles(desk: Desk, noun: str, id_: str) -> list[tuple[str, bool]]:
    with desk.db.read() as tx:
        return [(one.record, one.likely) for one in service.of_record(tx, RecordRef(noun, id_))]


def unprint(desk: Desk) -> None:
    """As it is in a house that had records before prints were kept."""
    with desk.db.begin() as tx:
        tx.conn.execute(delete(duplicate_key))
        tx.conn.execute(delete(duplicate_print))


def test_a_lead_is_found_as_the_contact_it_already_is(desk: Desk) -> None:
    told(desk, "contact", "c1", **JANE)
    told(desk, "lead", "other", **OTHER)
    with desk.db.read() as tx:
        (found,) = service.like(tx, "lead", TWIN)
    assert (found.record, found.likely) == ("contact:c1", True)
    assert [what for what, _ in found.verdict.reasons] == ["email_same", "name_same", "phone_same", "company_same"]
    told(desk, "lead", "l1", **TWIN)
    assert doubles(desk, "lead", "l1") == [("contact:c1", True)]
    assert doubles(desk, "contact", "c1") == [("lead:l1", True)]
    assert doubles(desk, "lead", "other") == []


def test_an_account_is_found_by_its_own_name_and_never_taken_for_a_person(desk: Desk) -> None:
    told(desk, "account", "a1", name="Müller & Söhne GmbH", phone="+49 30 901820")
    told(desk, "lead", "l1", name="Muller Sohne", company="Muller Sohne")
    told(desk, "account", "a2", name="MÜLLER UND SÖHNE AG")
    assert [record for record, _ in doubles(desk, "account", "a2")] == ["account:a1"]


def test_the_print_follows_the_record(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    told(desk, "lead", "l2", **TWIN)
    assert doubles(desk, "lead", "l1") == [("lead:l2", True)]
    desk.clock.forward(minutes=1)
    told(desk, "lead", "l2", name="Ada Byron", company="Engines", email="ada@engines.org", phone=None)
    assert doubles(desk, "lead", "l1") == []
    rows = desk.rows(duplicate_key, record="lead:l2")
    mine = print_of("lead", {"name": "Ada Byron", "company": "Engines", "email": "ada@engines.org"}, "GB")
    assert sorted(row.key for row in rows) == list(keys_of(mine, PERSON))
    desk.clock.forward(minutes=1)
    told(desk, "lead", "l2", name=None, company=None, email=None)
    assert desk.rows(duplicate_key, record="lead:l2") == []
    assert desk.rows(duplicate_print, record="lead:l2") == []


def test_what_changes_no_print_writes_none(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    with desk.db.begin() as tx:
        assert service.note(tx, {"lead:l1": ("lead", {**JANE, "stage": "new", "phone": "(020) 7946 0018"})}) == 0
        assert service.note(tx, {"lead:l1": ("lead", {**JANE, "phone": "020 7946 0019"})}) == 1


def test_not_a_duplicate_is_remembered_until_it_is_taken_back(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    told(desk, "lead", "l2", **TWIN)
    pair = RecordRef("lead", "l2"), RecordRef("lead", "l1")
    assert desk.do("admin", denials.deny, *pair, "twins")
    assert not desk.do("admin", denials.deny, *pair)
    assert doubles(desk, "lead", "l1") == doubles(desk, "lead", "l2") == []
    run = looked(desk)
    assert run.found == 1
    with desk.db.read() as tx:
        assert runs.found(tx, None, 10) == []
    assert desk.do("admin", denials.undeny, *pair)
    assert not desk.do("admin", denials.undeny, *pair)
    assert doubles(desk, "lead", "l1") == [("lead:l2", True)]
    with desk.db.read() as tx:
        assert [(one.one, one.two) for one in runs.found(tx, None, 10)] == [("lead:l1", "lead:l2")]


def test_what_can_never_be_the_same_is_refused(desk: Desk) -> None:
    one = RecordRef("lead", "l1")
    for other in (one, RecordRef("account", "a1"), RecordRef("deal", "d1")):
        with pytest.raises(InvalidInput):
            desk.do("admin", denials.deny, one, other)
    with desk.db.read() as tx, pytest.raises(NotFound):
        service.of_record(tx, RecordRef("lead", "nobody"))


def looked(desk: Desk) -> runs.Run:
    """A whole look at everything."""
    run = desk.do("admin", runs.begin)
    desk.drain()
    with desk.db.read() as tx:
        return runs.get(tx, run.id)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that a short story is a long one."""
    monkeypatch.setattr(service, "AT_ONCE", 2)
    monkeypatch.setattr(runs, "KEYS_AT_ONCE", 5)


@pytest.mark.usefixtures("small")
def test_a_look_at_everything_finds_what_was_there_before_prints_were_kept(desk: Desk) -> None:
    for number in range(3):
        told(desk, "lead", f"l{number}", **JANE)
        told(desk, "contact", f"c{number}", **OTHER)
    told(desk, "account", "a1", name="Acme")
    unprint(desk)
    assert doubles(desk, "lead", "l0") == []
    run = looked(desk)
    assert (run.done, run.found, run.state) == (run.total, 6, None)
    assert run.ended_at is not None
    with desk.db.read() as tx:
        found = runs.found(tx, None, 10)
        first = runs.found(tx, None, 4)
        rest = runs.found(tx, (first[-1].score, first[-1].one, first[-1].two), 10)
    assert [*first, *rest] == found
    assert {(one.one, one.two) for one in found} == {
        (f"{noun}:{letter}{a}", f"{noun}:{letter}{b}")
        for noun, letter in (("lead", "l"), ("contact", "c")) for a, b in ((0, 1), (0, 2), (1, 2))
    }  # fmt: skip


def test_the_next_look_forgets_what_is_no_longer_so(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    told(desk, "lead", "l2", **TWIN)
    assert looked(desk).found == 1
    desk.clock.forward(minutes=1)
    told(desk, "lead", "l2", **OTHER)
    assert looked(desk).found == 0
    with desk.db.read() as tx:
        assert runs.found(tx, None, 10) == []


def test_one_look_at_a_time_and_a_piece_that_is_done_twice_counts_once(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    told(desk, "lead", "l2", **TWIN)
    begun = desk.do("admin", runs.begin)
    with pytest.raises(Conflict, match="under way"):
        desk.do("admin", runs.begin)
    with desk.db.begin() as tx:
        tx.emit(runs.TOPIC, begun.id, {"step": 0})
    desk.drain()
    with desk.db.read() as tx:
        assert runs.get(tx, begun.id).found == 1
        assert tx.conn.execute(select(message.c.id).where(message.c.dead_at.is_not(None))).all() == []
        with pytest.raises(NotFound):
            runs.get(tx, "none")


def test_a_key_that_too_many_have_is_passed_over_by_both_ways(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    info = {"company": "Big", "email": "info@big.com"}
    with desk.db.begin() as tx:
        many = {f"lead:l{number}": ("lead", {"name": f"Al{chr(97 + number % 26)} B{number:03}x", **info})
                for number in range(TOO_COMMON + 1)}  # fmt: skip
        service.note(tx, many)
    shared = set.intersection(*(set(keys_of(print_of("lead", fields, "GB"), PERSON)) for _, fields in many.values()))
    assert shared
    with desk.db.read() as tx:
        assert store.alike(tx, sorted(shared)) == {}
        block = [(record, print_of("lead", fields, "GB")) for record, (_, fields) in many.items()]
        assert list(runs.compared(block, replace(tx.policies.duplicates, possible=0.0))) == []
        assert list(runs.compared(block[:2], replace(tx.policies.duplicates, possible=0.0)))


def test_rebuilding_keeps_every_print_and_says_what_changed(desk: Desk) -> None:
    told(desk, "lead", "l1", **JANE)
    told(desk, "contact", "c1", **TWIN)
    kept = desk.rows(duplicate_key)
    unprint(desk)
    told_ = []
    assert service.rebuild_all(desk.db.begin, lambda *counts: told_.append(counts)) == (2, 2)
    assert told_[-1] == (2, 2)
    assert desk.rows(duplicate_key) == kept
    assert service.rebuild_all(desk.db.begin, lambda *_: None) == (2, 0)
    assert len(desk.rows(lead)) == 1
