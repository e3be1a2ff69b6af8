"""Leads and deals of our own through the API: made, changed, moved, ended, taken over; what is refused, and how."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from taskhub.db.tables import event, task
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"
ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example", "amount": "1999.90"}


def lead(house: House, persona: str = "rob", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = house.of(persona).ok("POST", LEADS, {**ANN, **more})
    return made


def test_a_lead_is_made_and_its_rules_fire(any_house: House) -> None:
    made = lead(any_house, phone="+33 1 23 45 67 89", fields={"source_of": "fair"})
    assert (made["owner"], made["status"], made["pipeline"], made["stage"]) == ("rob", "open", "leads", "new")
    assert (made["amount"], made["currency"], made["version"], made["source_of"]) == (1999.9, "EUR", 1, "fair")
    assert (made["rotting"], made["expected_days"]) == (False, 2)
    assert any_house.of("rob").ok("GET", f"{LEADS}/{made['id']}") == made
    drain(any_house.db)
    assert any_house.of("rob").ok("GET", f"{LEADS}/{made['id']}") == made
    with any_house.db.read() as tx:
        titles = list(tx.conn.execute(select(task.c.title).where(task.c.lead == made["id"])).scalars())
        states = tx.conn.execute(select(event.c.source, event.c.type, event.c.state)).all()
    assert titles == ["Call Ann Roux"]
    assert [tuple(row) for row in states] == [("taskhub", "lead.created", "applied")]


def test_a_change_names_the_version_it_read(any_house: House) -> None:
    made = lead(any_house)
    path = f"{LEADS}/{made['id']}"
    changed = any_house.of("rob").ok("PATCH", path, {"version": 1, "phone": "1", "amount": "10", "currency": "USD"})
    assert (changed["version"], changed["phone"], changed["amount"], changed["currency"]) == (2, "1", 10, "USD")
    late = any_house.of("rob").patch(path, {"version": 1, "phone": "2"})
    assert code(late) == (409, "version_clash")
    assert late.json()["version"] == 2
    emptied = any_house.of("rob").ok("PATCH", path, {"version": 2, "phone": None})
    assert emptied["phone"] is None
    same = any_house.of("rob").ok("PATCH", path, {"version": 3, "company": "Atelier Roux"})
    assert same["version"] == 3


def test_forward_asks_for_what_stages_require_and_back_for_nothing(any_house: House) -> None:
    made = lead(any_house, company=None, email=None)
    rob, path = any_house.of("rob"), f"{LEADS}/{made['id']}"
    assert rob.ok("POST", f"{path}/stage", {"stage": "known"})["stage"] == "known"
    refused = rob.post(f"{path}/stage", {"stage": "ready"})
    assert code(refused) == (422, "fields_missing")
    assert refused.json()["missing"] == ["company"]
    rob.ok("PATCH", path, {"version": 2, "company": "Roux"})
    moved = rob.ok("POST", f"{path}/stage", {"stage": "ready", "version": 3})
    assert (moved["stage"], moved["version"]) == ("ready", 4)
    assert rob.ok("POST", f"{path}/stage", {"stage": "new"})["stage"] == "new"
    assert code(rob.post(f"{path}/stage", {"stage": "new"})) == (409, "nothing_to_change")
    said = rob.ok("GET", f"{path}/history")["items"]
    assert [one["act"] for one in said] == ["create", "stage", "patch", "stage", "stage"]
    assert said[-1]["change"] == {"stage": ["ready", "new"]}
    assert {one["by"] for one in said} == {"agent:rob"}


def test_lost_needs_a_reason_from_the_list_and_can_be_taken_back(any_house: House) -> None:
    made = lead(any_house)
    rob, path = any_house.of("rob"), f"{LEADS}/{made['id']}"
    wrong = rob.post(f"{path}/lose", {"reason": "no_ned"})
    assert code(wrong) == (422, "unknown_reason")
    assert "did you mean no_need?" in wrong.json()["detail"]
    lost = rob.ok("POST", f"{path}/lose", {"reason": "no_need"})
    assert (lost["status"], lost["lost_reason"]) == ("lost", "no_need")
    again = rob.post(f"{path}/lose", {"reason": "price"})
    assert code(again) == (409, "already_lost")
    assert again.json()["lost_reason"] == "no_need"
    assert code(rob.post(f"{path}/stage", {"stage": "known"})) == (409, "already_lost")
    assert code(rob.post(f"{path}/convert", {})) == (409, "already_lost")
    back = rob.ok("POST", f"{path}/reopen")
    assert (back["status"], back["lost_reason"], back["stage"]) == ("open", None, "new")
    assert code(rob.post(f"{path}/reopen")) == (409, "nothing_to_change")
    assert rob.ok("POST", f"{path}/status", {"status": "lost", "reason": "price"})["lost_reason"] == "price"
    assert rob.ok("POST", f"{path}/status", {"status": "open"})["status"] == "open"
    assert code(rob.post(f"{path}/status", {"status": "won"})) == (422, "unknown_status")


def test_a_deal_is_won_once_its_path_is_filled_in(any_house: House) -> None:
    rob = any_house.of("rob")
    made = rob.ok("POST", "/api/v1/deals", {"title": "Press", "name": "Ann"})
    path = f"/api/v1/deals/{made['id']}"
    assert made["stage"] == "offer"
    assert code(rob.post(f"{path}/win")) == (422, "fields_missing")
    rob.ok("PATCH", path, {"version": 1, "amount": 60000})
    assert rob.ok("POST", f"{path}/win")["status"] == "won"
    drain(any_house.db)
    with any_house.db.read() as tx:
        assert tx.conn.execute(select(task.c.title).where(task.c.deal == made["id"])).scalars().all() == [
            "Contract for Ann"
        ]
    assert code(rob.post(f"{path}/win")) == (409, "already_won")
    assert rob.ok("POST", f"{path}/reopen")["status"] == "open"


def test_a_colleagues_lead_is_consulted_not_changed_and_taken_over_with_notice(any_house: House) -> None:
    made = lead(any_house)
    ria, path = any_house.of("ria"), f"{LEADS}/{made['id']}"
    assert ria.ok("GET", path)["name"] == "Ann Roux"
    assert [one["id"] for one in ria.ok("GET", f"{LEADS}?q=ROUX")["items"]] == [made["id"]]
    assert ria.ok("GET", f"{LEADS}?q=r%25x")["items"] == []
    refused = ria.patch(path, {"version": 1, "phone": "1"})
    assert (code(refused), "it is rob's. Take it over" in refused.json()["detail"]) == ((403, "forbidden"), True)
    assert code(any_house.of("rob").post(f"{path}/take-over")) == (409, "nothing_to_change")
    assert ria.ok("POST", f"{path}/take-over")["owner"] == "ria"
    (told,) = any_house.of("rob").ok("GET", "/api/v1/me/notifications")["items"]
    assert told["subject"] == "Ria has taken over Atelier Roux"
    assert any_house.of("ria").ok("GET", "/api/v1/me/notifications")["items"] == []
    ria.ok("PATCH", path, {"version": 2, "phone": "1"})
    assert code(any_house.of("zoe").get(path)) == (404, "not_found")
    assert code(any_house.of("admin").post(f"{path}/take-over")) == (403, "not_an_agent")


def test_a_record_of_a_crm_is_changed_there(any_house: House) -> None:
    from taskhub.db.tables_sales import lead as leads

    made = lead(any_house)
    with any_house.db.begin() as tx:
        tx.conn.execute(leads.update().values(connection="crm"))
    rob, path = any_house.of("rob"), f"{LEADS}/{made['id']}"
    for answer in (
        rob.patch(path, {"version": 1, "phone": "1"}), rob.post(f"{path}/stage", {"stage": "known"}),
        rob.post(f"{path}/lose", {"reason": "price"}), rob.post(f"{path}/convert", {}),
        any_house.of("ria").post(f"{path}/take-over"),
    ):  # fmt: skip
        assert code(answer) == (409, "owned_by_crm")
        assert answer.json()["connection"] == "crm"
    assert rob.ok("POST", f"{path}/follow-up", {})["task"]["lead"] == made["id"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"stage": "nwe"}, "unknown_stage", "did you mean new?"),
    ({"pipeline": "sales"}, "unknown_pipeline", "leads"),
    ({"owner": "rbo"}, "unknown_owner", "did you mean rob?"),
    ({"currency": "EUX"}, "unknown_currency", "did you mean EUR?"),
    ({"amount": "12,5"}, "amount_invalid", "plain decimal"),
    ({"amount": 0.001}, "amount_invalid", "more decimals than EUR"),
    ({"amount": 10.5, "currency": "JPY"}, "amount_invalid", "more decimals than JPY"),
    ({"amount": -1}, "amount_invalid", "negative"),
    ({"amount": "12345678901234567890"}, "amount_invalid", "15 digits"),
    ({"amount": 1e20}, "amount_invalid", "15 digits"),
    ({"amount": "1.0000001"}, "amount_invalid", "6 decimals"),
    ({"amount": True}, "amount_invalid", "amount must be a plain decimal"),
    ({"amount": "12345678901234.56"}, "amount_invalid", "15 digits"),
    ({"email": "nobody"}, "invalid_input", "e-mail"),
    ({"expected_close_on": "2026-02-30"}, "invalid_input", "date"),
    ({"name": "a\nb"}, "invalid_input", "one line"),
    ({"name": "a" * 10_000}, "invalid_input", "1 to 500 characters"),
    ({"account": "nowhere"}, "unknown_record", "there is no such record, or you may not see it"),
    ({"fields": {"status": "won"}}, "invalid_input", "place of its own"),
    ({"fields": {"Bad Name": 1}}, "invalid_input", "a-z"),
    ({"fields": {"deep": {"a": 1}}}, "invalid_input", "text of at most"),
    ({"status": "won"}, "invalid_input", "status"),
]


@pytest.mark.parametrize(("body", "expected", "said"), WRONG)
def test_what_cannot_be_is_told_with_the_nearest_that_can(
    still_house: House, body: dict[str, Any], expected: str, said: str
) -> None:
    answer = still_house.of("rob").post(LEADS, {**ANN, **body})
    assert code(answer) == (422, expected)
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("noun", ["lead", "deal", "account", "contact"])
@pytest.mark.parametrize("body", [{}, {"name": None}, {"owner": "rob", "fields": {"colour": "red"}}])
def test_a_record_that_nobody_could_tell_from_others_is_not_made(
    still_house: House, noun: str, body: dict[str, Any]
) -> None:  # fmt: skip
    answer = still_house.of("rob").post(f"/api/v1/{noun}s", body)
    assert code(answer) == (422, "fields_missing")
    assert {"name", "company", "email", "phone"} <= set(answer.json()["one_of"])
    assert "at least one of" in answer.json()["detail"]


def test_a_deal_of_a_lead_needs_no_name_of_its_own(house: House) -> None:
    made = lead(house)
    assert house.of("rob").ok("POST", "/api/v1/deals", {"lead": made["id"]})["lead"] == made["id"]


def test_a_field_that_is_of_no_type_it_may_have_is_named_once(still_house: House) -> None:
    told = still_house.of("rob").post(LEADS, {**ANN, "amount": [1]}).json()["errors"]
    assert [one["path"] for one in told] == ["amount"]


def test_acts_can_be_undone(any_house: House) -> None:
    made = lead(any_house)
    rob, path = any_house.of("rob"), f"{LEADS}/{made['id']}"
    for act, body in (("stage", {"stage": "known"}), ("lose", {"reason": "price"})):
        rob.ok("POST", f"{path}/{act}", body)
        done = rob.ok("GET", "/api/v1/acts")["items"][0]
        assert done["can_undo"], done
        rob.ok("POST", f"/api/v1/acts/{done['id']}/undo")
    now = rob.ok("GET", path)
    assert (now["stage"], now["status"]) == ("new", "open")


def test_what_stages_mean_is_told_in_the_readers_language(still_house: House) -> None:
    (leads, deals) = still_house.of("rob").ok("GET", "/api/v1/pipelines?language=fr")["items"]
    assert [stage["name"] for stage in leads["stages"]] == ["Nouveau", "Connu", "Ready"]
    assert leads["stages"][0]["meaning"] == "Nobody has called them."
    assert deals["lost_reasons"] == [{"key": "price", "name": "Price"}, {"key": "no_need", "name": "No need"}]


def test_readiness_lists_what_is_missing(any_house: House) -> None:
    made = lead(any_house, email=None)
    said = any_house.of("rob").ok("GET", f"{LEADS}/{made['id']}/readiness?language=fr")
    assert (said["ready"], said["convertible"]) == (False, True)
    assert [(one["field"], one["done"]) for one in said["items"]] == [
        ("status", True), ("company", True), ("owner", True), ("company", True), ("email", False),
    ]  # fmt: skip
    assert said["items"][-1]["text"] == "E-mail est rempli : l’étape Ready le demande"


def test_sums_are_exact() -> None:
    from taskhub.sales.money import amount, total

    assert total([amount("0.1"), amount("0.2"), amount(3)], "EUR") == "3.30"
    assert total([amount("9999999999999.99")] * 3, "EUR") == "29999999999999.97"
    assert total([], "JPY") == "0"
