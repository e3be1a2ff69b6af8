"""Events and hooks: stored once, told apart, quarantined, replayed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.db.tables import event
from taskhub.events.intake import Intake
from taskhub.http.state import AppState
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import SECRETS, House

EVENTS = "/api/v1/events"


def cloud(id_: str = "1", **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id_, "source": "crm", "type": "lead.created", "subject": "L1",
            "data": {"lead": {"id": "L1", "name": "ACME"}}, **more}  # fmt: skip


def stored(house: House) -> list[Any]:
    with house.db.begin() as tx:
        return list(tx.conn.execute(select(event).order_by(event.c.id)))


def test_the_same_event_is_stored_once(any_house: House) -> None:
    sender = any_house.of("integration")
    first = sender.post(EVENTS, cloud())
    again = sender.post(EVENTS, cloud(), headers={"content-type": "application/cloudevents+json"})
    assert (first.status_code, again.status_code) == (202, 202)
    (one,), (two,) = first.json()["events"], again.json()["events"]
    assert (one["status"], two["status"]) == ("accepted", "duplicate")
    assert one["event_id"] == two["event_id"]
    assert len(stored(any_house)) == 1


def test_the_same_id_with_another_body_is_refused_and_changes_nothing(any_house: House) -> None:
    sender = any_house.of("integration")
    sender.ok("POST", EVENTS, cloud())
    other = cloud(data={"lead": {"id": "L1", "name": "Other"}})
    assert code(sender.post(EVENTS, other)) == (409, "event_id_reused")
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert code(sender.post(EVENTS, [cloud("2"), other], headers=batch)) == (409, "event_id_reused")
    assert len(stored(any_house)) == 1


def test_a_batch_is_accepted_as_a_whole_with_each_element_kept_alone(any_house: House) -> None:
    batch = {"content-type": "application/cloudevents-batch+json"}
    sent = [cloud("a"), cloud("b"), cloud("a")]
    said = any_house.of("integration").ok("POST", EVENTS, sent, headers=batch)["events"]
    assert [one["status"] for one in said] == ["accepted", "accepted", "duplicate"]
    assert said[0]["event_id"] == said[2]["event_id"]
    assert len(stored(any_house)) == 2
    assert all(row.raw.count(b"specversion") == 1 for row in stored(any_house))
    assert any_house.of("integration").ok("POST", EVENTS, [], headers=batch) == {"events": []}
    bad = any_house.of("integration").post(EVENTS, [cloud("c"), {"id": "d"}], headers=batch)
    assert code(bad) == (422, "missing_attribute")
    assert len(stored(any_house)) == 2


def test_binary_mode_and_scrubbed_headers(any_house: House) -> None:
    headers = {"ce-id": "b1", "ce-source": "crm", "ce-type": "lead.created", "ce-specversion": "1.0",
               "ce-subject": "L9",
               "content-type": "application/json", "cookie": "session=1", "x-api-key": "hunter2"}  # fmt: skip
    any_house.of("integration").ok("POST", EVENTS, {"lead": {"id": "L9"}}, headers=headers)
    (row,) = stored(any_house)
    assert (row.external_id, row.subject) == ("b1", "L9")
    assert row.headers["ce-id"] == "b1"
    assert "hunter2" not in str(row.headers)
    assert not {"authorization", "cookie", "x-api-key"} & row.headers.keys()


FATES: dict[str, tuple[dict[str, Any], str]] = {
    "a type we do not know": (cloud(type="coffee.ready", data={"cup": 1}), "received"),
    "data we cannot read": (cloud(type="coffee.ready", data=[1]), "ignored"),
    "a native type without an object": (cloud(type="lead.created", data=[1]), "quarantined"),
    "a native type without a record": (cloud(type="deal.won", subject=None, data={}), "quarantined"),
}


@pytest.mark.parametrize("what", FATES)
def test_what_is_understood_is_stored_with_what_became_of_it(any_house: House, what: str) -> None:
    sent, state = FATES[what]
    (one,) = any_house.of("integration").ok("POST", EVENTS, sent)["events"]
    shown = any_house.of("admin").ok("GET", f"{EVENTS}/{one['event_id']}")
    assert shown["state"] == state
    assert (shown["reason"] is None) == (state == "received")
    assert shown["tasks"] == []
    listed = any_house.of("admin").ok("GET", f"{EVENTS}?state={state}")["items"]
    assert [row["event_id"] for row in listed] == [one["event_id"]]


def test_lists_page_newest_first(any_house: House) -> None:
    for number in range(5):
        any_house.of("integration").ok("POST", EVENTS, cloud(str(number)))
    first = any_house.of("admin").ok("GET", f"{EVENTS}?limit=2")
    rest = any_house.of("admin").ok("GET", f"{EVENTS}?limit=10&cursor={first['next_cursor']}")
    assert [row["id"] for row in first["items"] + rest["items"]] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("every", [-1.0, 60.0])
def test_a_flood_is_asked_to_come_later(any_house: House, every: float) -> None:
    """Counted at every call, or counted once and added to."""
    any_house.state.intake = Intake(2, 2, every)
    sender = any_house.of("integration")
    for number in range(2):
        sender.ok("POST", EVENTS, cloud(str(number)))
    answer = sender.post(EVENTS, cloud("9"))
    assert code(answer) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) > 0
    hook = any_house.client.post("/hooks/crm", won(), headers=BASIC)
    assert code(hook) == (429, "too_many_requests")
    assert len(stored(any_house)) == 2
    assert 'taskhub_inbox_limit{of="source"} 2' in any_house.client.get("/metrics").text


def test_a_flood_of_one_source_is_refused_as_a_whole_and_others_come_in(any_house: House) -> None:
    any_house.state.intake = Intake(100, 3, -1.0)
    sender = any_house.of("integration")
    for number in range(3):
        sender.ok("POST", EVENTS, cloud(str(number)))
    mixed = [cloud("new", source="other"), cloud("9")]
    answer = sender.post(EVENTS, mixed, headers={"content-type": "application/cloudevents-batch+json"})
    assert code(answer) == (429, "too_many_requests")
    assert answer.json()["source"] == "crm"
    assert len(stored(any_house)) == 3
    sender.ok("POST", EVENTS, mixed[0])
    drain(any_house.db)
    sender.ok("POST", EVENTS, mixed[1])


def test_the_webhook_handshake(house: House) -> None:
    answer = house.client.request("OPTIONS", EVENTS, headers={"webhook-request-origin": "crm.example"})
    assert answer.headers["webhook-allowed-origin"] == "crm.example"


# ── hooks ──
BASIC = {"authorization": "Basic " + base64.b64encode(b":crm-password").decode()}


def won(title: str = "ACME", attempt: int = 1) -> dict[str, Any]:
    return {
        "meta": {"version": "2.0", "action": "change", "entity": "deal", "entity_id": "7", "id": "m-1",
                 "attempt": attempt,
                 "timestamp": "2026-03-02T09:00:00.000Z", "company_id": "1", "user_id": "1", "webhook_id": "1"},
        "data": {"id": 7, "title": title, "status": "won", "update_time": "2026-03-02T09:00:00Z"},
        "previous": {"status": "open"},
    }  # fmt: skip


def test_a_hook_is_let_in_by_its_own_check_only(any_house: House) -> None:
    assert any_house.client.post("/hooks/crm", won(), headers=BASIC).status_code == 200
    wrong = {"authorization": "Basic " + base64.b64encode(b":guess").decode()}
    answers = [
        any_house.client.post("/hooks/crm", won(), headers=wrong),
        any_house.client.post("/hooks/crm", won()),
        any_house.of("admin").post("/hooks/crm", won()),
        any_house.client.post("/hooks/nowhere", won(), headers=BASIC),
        any_house.client.post("/hooks/bare", won()),
        any_house.client.post("/hooks/bare/guess", won()),
    ]
    assert {code(answer) for answer in answers} == {(401, "unauthenticated")}
    assert len({answer.text for answer in answers}) == 1
    assert len(stored(any_house)) == 1
    assert any_house.client.post("/hooks/bare/unguessable", won()).status_code == 200
    assert len(stored(any_house)) == 2
    assert "guess" not in str([row.headers for row in stored(any_house)])


def test_a_named_proof_that_is_not_set_lets_nobody_in(any_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any_house.client.post("/hooks/both/unguessable", won(), headers=BASIC).status_code == 200
    for forgotten in ("CRM_PATH", "CRM_PASSWORD"):
        with monkeypatch.context() as patch:
            patch.delitem(SECRETS, forgotten)
            for path in ("/hooks/both", "/hooks/both/unguessable"):
                assert code(any_house.client.post(path, won(), headers=BASIC)) == (401, "unauthenticated")


def test_a_hook_again_is_a_copy_and_another_body_is_quarantined(any_house: House) -> None:
    for attempt in (1, 2, 3):
        assert any_house.client.post("/hooks/crm", won(attempt=attempt), headers=BASIC).status_code == 200
    assert len(stored(any_house)) == 1
    for _ in range(2):
        assert any_house.client.post("/hooks/crm", won("Other"), headers=BASIC).status_code == 200
    first, second = stored(any_house)
    assert (first.state, second.state, second.reason) == ("received", "quarantined", "same_id_other_body")
    assert first.connection == "crm"


def test_a_hook_that_is_no_json_is_refused(house: House) -> None:
    answer = house.client.post("/hooks/crm", content=b"<xml/>", headers=BASIC)
    assert answer.status_code == 400
    assert stored(house) == []


def test_replay_reads_a_quarantined_event_again(any_house: House) -> None:
    any_house.client.post("/hooks/crm", won(), headers=BASIC)
    with any_house.db.begin() as tx:
        tx.conn.execute(event.update().values(state="quarantined", reason="bad_map", normalised=None))
    (row,) = stored(any_house)
    again = any_house.of("admin").ok("POST", f"{EVENTS}/{row.id}/replay")
    assert (again["state"], again["reason"]) == ("received", None)
    assert code(any_house.of("admin").post(f"{EVENTS}/{row.id}/replay")) == (409, "not_quarantined")


def test_what_still_cannot_be_read_stays_quarantined(any_house: House) -> None:
    (one,) = any_house.of("integration").ok("POST", EVENTS, cloud(type="lead.created", data=[1]))["events"]
    again = any_house.of("admin").ok("POST", f"{EVENTS}/{one['event_id']}/replay")
    assert again["state"] == "quarantined"


def test_the_state_of_the_app_is_the_one_given(house: House) -> None:
    assert isinstance(house.app.state.taskhub, AppState)
