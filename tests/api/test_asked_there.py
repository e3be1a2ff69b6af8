"""Records of a CRM over the API: asked for, pending, refused, and whose right it is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.acts import crm_given_up
from taskhub.db.tables import event, message
from taskhub.db.tables_crm import crm_act
from taskhub.events.model import Event, RecordRef
from taskhub.sales import service as sales
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House, open_house, policies

CLOUD = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def lead(any_house: House) -> str:
    """A lead of rob's that the connection ``asked`` owns."""
    return theirs(any_house, "lead", "asked", "7f3c")


def theirs(house: House, noun: str, connection: str, id_: str) -> str:
    ref = RecordRef(noun, f"{connection}:{id_}")
    with house.db.begin() as tx:
        fields = {"id": ref.id, "title": "Press", "company": "Roux", "owner": "rob", "status": "open"}
        told = Event(
            "pipedrive:x", id_, (f"{noun}.created",), tx.now, ref, {noun: fields}, {}, connection=connection, by="crm:1"
        )
        sales.apply(tx, told)
    return ref.id


def path(id_: str, act: str, noun: str = "lead") -> str:
    return f"/api/v1/{noun}s/{id_}/{act}"


def test_a_conversion_is_pending(any_house: House, lead: str) -> None:
    rob = any_house.of("rob")
    answer = rob.post(path(lead, "convert"), {"deal": {}, "follow_up": {"kind": "customs", "data": {"a": 1}}})
    assert answer.status_code == 202
    said = answer.json()
    assert said["pending"]["kind"] == "convert"
    assert said["pending"]["by"] == "rob"
    assert said["lead"]["pending"] == said["pending"]
    assert rob.ok("GET", f"/api/v1/leads/{lead}")["pending"] == said["pending"]
    [listed] = [one for one in rob.ok("GET", "/api/v1/leads")["items"] if one["id"] == lead]
    assert listed["pending"] == said["pending"]
    assert code(rob.post(path(lead, "convert"), {"deal": {}})) == (409, "already_asked")
    assert code(rob.post(path(lead, "lose"), {"reason": "price"})) == (409, "already_asked")
    rob.ok("POST", f"/api/v1/acts/{said['pending']['act']}/undo")
    assert rob.ok("GET", f"/api/v1/leads/{lead}")["pending"] is None


def test_the_same_call_twice_is_one_act(any_house: House, lead: str) -> None:
    rob, key = any_house.of("rob"), {"Idempotency-Key": "once"}
    first = rob.post(path(lead, "convert"), {"deal": {}}, headers=key)
    again = rob.post(path(lead, "convert"), {"deal": {}}, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    with any_house.db.read() as tx:
        rows = list(tx.conn.execute(select(message.c.id).where(message.c.handler == "crm.ask")))
    assert len(rows) == 1


@pytest.mark.parametrize("act", ["lose", "status"])
@pytest.mark.parametrize("noun", ["lead", "deal"])
def test_a_loss_is_pending(any_house: House, noun: str, act: str) -> None:
    id_, rob = theirs(any_house, noun, "asked", "8"), any_house.of("rob")
    body = {"reason": "price", **({"status": "lost"} if act == "status" else {})}
    assert code(rob.post(path(id_, act, noun), {**body, "reason": "prise"})) == (422, "unknown_reason")
    answer = rob.post(path(id_, act, noun), body)
    assert (answer.status_code, answer.json()["pending"]["kind"]) == (202, "lose")
    assert rob.ok("GET", f"/api/v1/{noun}s/{id_}")["status"] == "open"


@pytest.mark.parametrize(
    ("act", "body"),
    [("stage", {"stage": "known"}), ("take-over", {}), ("reopen", {}), ("status", {"status": "open"})],
)
def test_everything_else_is_theirs(any_house: House, lead: str, act: str, body: dict[str, Any]) -> None:
    persona = "ria" if act == "take-over" else "rob"
    assert code(any_house.of(persona).post(path(lead, act), body)) == (409, "owned_by_crm")


def elsewhere(house: House, id_: str, type_: str, record: str) -> dict[str, Any]:
    """A tool that is no CRM tells of a record; what became of its event."""
    said = {"specversion": "1.0", "id": id_, "source": "mailtool", "type": type_, "data": {
        "lead": {"id": record, "title": "Theirs", "status": "lost" if type_ == "lead.lost" else "open"}}}  # fmt: skip
    sent = house.of("integration").post("/api/v1/events", said, headers=CLOUD)
    assert sent.status_code == 202, sent.text
    drain(house.db)
    with house.db.read() as tx:
        row = tx.conn.execute(select(event.c.state, event.c.reason).where(event.c.external_id == id_)).one()
    return {"state": row.state, "reason": row.reason}


def test_a_record_named_before_its_crm_told_of_it_becomes_the_crms(any_house: House) -> None:
    elsewhere(any_house, "1", "mail.opened", "asked:7f3c")
    with any_house.db.read() as tx:
        assert sales.get(tx, RecordRef("lead", "asked:7f3c")).connection is None
    lead, rob = theirs(any_house, "lead", "asked", "7f3c"), any_house.of("rob")
    assert rob.ok("GET", f"/api/v1/leads/{lead}")["connection"] == "asked"
    assert code(rob.post(path(lead, "stage"), {"stage": "known"})) == (409, "owned_by_crm")
    assert rob.post(path(lead, "convert"), {"deal": {}}).status_code == 202


def test_of_a_crms_record_only_the_crm_is_believed(any_house: House, lead: str) -> None:
    before = any_house.of("rob").ok("GET", f"/api/v1/leads/{lead}")
    assert elsewhere(any_house, "1", "lead.lost", lead) == {"state": "ignored", "reason": "owned_by_crm"}
    elsewhere(any_house, "2", "mail.opened", lead)
    after = any_house.of("rob").ok("GET", f"/api/v1/leads/{lead}")
    assert (after["status"], after["title"], after["version"]) == ("open", "Press", before["version"])


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["deal"]),
        ({"deal": {"amount": 7}}, ["deal.amount"]),
        ({"deal": {"stage": "signed"}}, ["deal.stage"]),
        ({"deal": {}, "account": {"name": "Other"}}, ["account"]),
        ({"deal": {}, "contact": None}, ["contact"]),
    ],
)
def test_what_they_decide(any_house: House, lead: str, body: dict[str, Any], wrong: list[str]) -> None:
    answer = any_house.of("rob").post(path(lead, "convert"), body)
    assert code(answer) == (422, "decided_there")
    assert [one["path"] for one in answer.json()["errors"]] == wrong


def test_a_follow_up_that_could_not_be_made_is_not_asked_for(any_house: House, lead: str) -> None:
    rob = any_house.of("rob")
    answer = rob.post(path(lead, "convert"), {"deal": {}, "follow_up": {"kind": "nonsense"}})
    assert code(answer) == (422, "unknown_kind")
    assert rob.ok("GET", f"/api/v1/leads/{lead}")["pending"] is None


def test_what_converting_asks_for_is_asked_of_their_leads_too(any_house: House, lead: str) -> None:
    rob, old = any_house.of("rob"), policies()
    lines = {key: replace(line, required_to_convert=("amount",)) for key, line in old.pipelines.items()}
    new = replace(old, pipelines=lines, hash="asks")
    any_house.follow(new)
    assert rob.ok("GET", path(lead, "readiness"))["convertible"] is False
    answer = rob.post(path(lead, "convert"), {"deal": {}})
    assert (code(answer), answer.json()["missing"]) == ((422, "fields_missing"), ["amount"])


def test_a_conversion_is_undone_at_its_lead(any_house: House, lead: str) -> None:
    rob, admin = any_house.of("rob"), any_house.of("admin")
    assert code(admin.post(path(lead, "undo-conversion"))) == (409, "not_converted")
    asked = rob.post(path(lead, "convert"), {"deal": {}}).json()["pending"]["act"]
    assert any_house.of("ria").post(path(lead, "undo-conversion")).status_code == 403
    assert admin.ok("POST", path(lead, "undo-conversion"))["pending"] is None
    assert code(admin.post(path(lead, "undo-conversion"))) == (409, "nothing_to_change")
    [mine] = [one for one in rob.ok("GET", "/api/v1/acts")["items"] if one["id"] == asked]
    assert mine["why_not"] == "already_undone"
    assert rob.post(path(lead, "convert"), {"deal": {}}).status_code == 202


def test_rights_and_versions(any_house: House, lead: str) -> None:
    assert any_house.of("far").post(path(lead, "convert"), {"deal": {}}).status_code == 403
    assert any_house.of("ria").post(path(lead, "convert"), {"deal": {}}).status_code == 403
    assert code(any_house.of("rob").post(path(lead, "convert"), {"deal": {}, "version": 9})) == (
        409, "version_clash",
    )  # fmt: skip
    assert any_house.of("rob").post(path("asked:none", "convert"), {"deal": {}}).status_code == 404


def test_where_the_connection_takes_no_acts_nothing_changes(any_house: House) -> None:
    id_ = theirs(any_house, "lead", "crm", "9")
    rob = any_house.of("rob")
    assert code(rob.post(path(id_, "convert"), {"deal": {}})) == (409, "owned_by_crm")
    assert code(rob.post(path(id_, "lose"), {"reason": "price"})) == (409, "owned_by_crm")


def test_what_was_not_sent_yet_is_withdrawn_at_its_record(any_house: House, lead: str) -> None:
    rob = any_house.of("rob")
    assert code(rob.post(path(lead, "withdraw"))) == (409, "nothing_to_change")
    said = rob.post(path(lead, "lose"), {"reason": "price"}).json()
    assert said["pending"]["given_up"] is None
    assert code(rob.post(path(lead, "withdraw"), {"version": 999})) == (409, "version_clash")
    assert [any_house.of(one).post(path(lead, "withdraw")).status_code for one in ("ria", "far")] == [403, 403]
    assert rob.post(path("asked:none", "withdraw")).status_code == 404
    key = {"Idempotency-Key": "withdraw"}
    first = rob.post(path(lead, "withdraw"), headers=key)
    again = rob.post(path(lead, "withdraw"), headers=key)
    assert (first.status_code, first.json()["pending"], again.json()) == (200, None, first.json())
    assert code(rob.post(f"/api/v1/acts/{said['pending']['act']}/undo"))[0] == 409
    assert rob.post(path(lead, "lose"), {"reason": "price"}).status_code == 202


def test_what_is_under_way_is_not_withdrawn_until_it_is_given_up(any_house: House, lead: str) -> None:
    rob = any_house.of("rob")
    act = rob.post(path(lead, "lose"), {"reason": "price"}).json()["pending"]["act"]
    tried(any_house, act)
    assert code(rob.post(path(lead, "withdraw"))) == (409, "asked_there")
    with any_house.db.begin() as tx:
        rows = message.update().where(message.c.handler == "crm.ask", message.c.key == act)
        tx.conn.execute(rows.values(dead_at=tx.now, error="Unavailable: asked answered 500: gone\nTraceback"))
    with any_house.db.begin() as tx:
        crm_given_up.find(tx)
    shown = rob.ok("GET", f"/api/v1/leads/{lead}")["pending"]["given_up"]
    assert shown["reason"] == "asked answered 500: gone"
    assert rob.ok("POST", path(lead, "withdraw"))["pending"] is None
    told = [one["topic"] for one in rob.ok("GET", "/api/v1/me/notifications")["items"]]
    assert told.count("crm_given_up") == 1


def tried(house: House, act: str) -> None:
    with house.db.begin() as tx:
        tx.conn.execute(crm_act.update().where(crm_act.c.id == act).values(tried_at=tx.now))


@pytest.mark.postgres
def test_withdrawn_by_two_at_once_it_is_withdrawn_once(postgres_url: str) -> None:
    with open_house(postgres_url) as house:
        lead = theirs(house, "lead", "asked", "7f3c")
        house.of("rob").post(path(lead, "lose"), {"reason": "price"})
        start = threading.Barrier(2)

        def call() -> Any:
            start.wait()
            answer = house.of("rob").post(path(lead, "withdraw"))
            return answer.status_code, answer.json().get("code")

        with ThreadPoolExecutor(2) as pool:
            told = sorted(one.result(30) for one in [pool.submit(call), pool.submit(call)])
        assert told == [(200, None), (409, "nothing_to_change")]
        with house.db.read() as tx:
            assert [row.state for row in tx.conn.execute(select(crm_act))] == ["withdrawn"]
