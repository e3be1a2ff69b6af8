"""A lead becomes a customer, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub import failpoints
from taskhub.db.tables import event, task
from taskhub.db.tables_sales import RECORDS, conversion, stage_change
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"
ANN = {
    "title": "Press", "name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example", "phone": "+33 1",
    "language": "fr", "amount": "1999.90", "currency": "CHF", "expected_close_on": "2026-12-24",
    "fields": {"machine": "MX-5"},
}  # fmt: skip


def lead(house: House, persona: str = "rob", **more: Any) -> str:
    return str(house.of(persona).ok("POST", LEADS, {**ANN, **more})["id"])


def soon() -> str:
    return (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


def titles(house: House, **which: Any) -> dict[str, str]:
    with house.db.read() as tx:
        wanted = select(task.c.title, task.c.state).where(*[task.c[name] == value for name, value in which.items()])
        return dict(tx.conn.execute(wanted).all())  # type: ignore[arg-type]


def test_everything_typed_is_carried_over(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    follow_up = {"title": "Send the brochure", "due_at": soon()}
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}, "follow_up": {"kind": "customs", **follow_up}})
    account, contact, deal, task_ = done["account"], done["contact"], done["deal"], done["follow_up"]
    assert (account["name"], account["owner"], account["language"]) == ("Atelier Roux", "rob", "fr")
    assert account["customer_since"] == done["lead"]["converted_at"]
    assert [contact[name] for name in ("name", "email", "phone", "account")] == [
        "Ann Roux", "ann@roux.example", "+33 1", account["id"],
    ]  # fmt: skip
    typed = {name: value for name, value in ANN.items() if name != "fields"}
    assert deal | typed | {"amount": 1999.9, "machine": "MX-5"} == deal
    assert (deal["stage"], deal["pipeline"], deal["lead"], deal["status"]) == ("offer", "sales", id_, "open")
    assert (deal["account"], deal["contact"]) == (account["id"], contact["id"])
    assert (task_["title"], task_["deal"], task_["lead"]) == ("Send the brochure", deal["id"], id_)
    assert done["links"].keys() == {"lead", "account", "contact", "deal", "follow_up"}
    found = rob.ok("GET", f"{LEADS}?status=converted")["items"]
    assert [(one["id"], one["deal"], one["converted_by"], one["stage"]) for one in found] == [
        (id_, deal["id"], "rob", "new")
    ]
    drain(any_house.db)
    assert titles(any_house, deal=deal["id"]) == {
        "Send the brochure": "queued", "Agreement with Atelier Roux": "queued", "Account of Atelier Roux": "blocked",
    }  # fmt: skip
    assert titles(any_house, lead=id_, deal=None) == {"Call Ann Roux": "cancelled"}
    for noun in ("lead", "account", "contact", "deal"):
        assert rob.ok("GET", done["links"][noun]) == done[noun]


def test_the_dialog_has_the_last_word(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    asked = {
        "account": {"name": "Roux SA"}, "contact": {"name": "Zoe Roux", "email": "zoe@roux.example"},
        "deal": {"name": "Two presses", "amount": 4000, "currency": "EUR", "stage": "signed"},
    }  # fmt: skip
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", asked)
    assert done["account"]["name"] == done["deal"]["company"] == "Roux SA"
    assert (done["contact"]["name"], done["contact"]["email"]) == ("Zoe Roux", "zoe@roux.example")
    deal = done["deal"]
    assert [deal[name] for name in ("title", "amount", "currency", "stage")] == ["Two presses", 4000, "EUR", "signed"]


def test_without_a_deal_or_a_contact(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"contact": None})
    assert (done["deal"], done["contact"], done["follow_up"], done["made"]) == (None, None, None, ["account"])
    drain(any_house.db)
    assert titles(any_house, lead=id_)["Agreement with Atelier Roux"] == "queued"


def test_a_known_customer_is_found_again(any_house: House) -> None:
    rob = any_house.of("rob")
    first = rob.ok("POST", f"{LEADS}/{lead(any_house)}/convert", {"deal": {}})
    same = {"company": "  ATELIER   roux ", "email": "Ann@Roux.example", "name": "A. Roux"}
    second = rob.ok("POST", f"{LEADS}/{lead(any_house, **same)}/convert", {"deal": {}})
    assert second["account"]["id"] == first["account"]["id"]
    assert second["contact"]["id"] == first["contact"]["id"]
    assert second["made"] == ["deal"]
    assert second["account"]["customer_since"] == first["account"]["customer_since"]
    named = rob.ok("POST", "/api/v1/accounts", {"name": "Old friend"})
    third = rob.ok("POST", f"{LEADS}/{lead(any_house)}/convert", {"account": {"id": named["id"]}, "deal": {}})
    assert third["account"]["id"] == named["id"]
    assert third["account"]["customer_since"] == third["lead"]["converted_at"]
    assert third["account"]["name"] == "Old friend"


def test_a_customer_of_others_is_named_and_no_more(any_house: House) -> None:
    others = any_house.of("admin").ok(
        "POST", "/api/v1/accounts", {"name": "Atelier Roux", "owner": "yan", "phone": "9"}
    )
    rob = any_house.of("rob")
    known = {"account": {"id": others["id"]}}
    hidden = rob.post(f"{LEADS}/{lead(any_house)}/convert", known)
    unknown = rob.post(f"{LEADS}/{lead(any_house)}/convert", {"account": {"id": "nowhere"}})
    assert code(hidden) == code(unknown) == (422, "unknown_record")
    assert hidden.json()["detail"].replace(others["id"], "nowhere") == unknown.json()["detail"]
    assert "there is no such record, or you may not see it" in unknown.json()["detail"]
    done = rob.ok("POST", f"{LEADS}/{lead(any_house)}/convert", {"deal": {}})
    assert done["account"].keys() == {"id", "noun", "name", "customer_since"}
    assert done["account"]["id"] == done["deal"]["account"] == others["id"]
    told = {"name": "Zoe", "company": "Other", "account": others["id"], "owner": "rob"}
    linked = any_house.of("admin").ok("POST", LEADS, told)
    again = rob.ok("POST", f"{LEADS}/{linked['id']}/convert", {})
    assert again["account"]["id"] == others["id"]


def test_a_second_press_makes_nothing_and_a_second_person_is_told_who_and_when(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    key = {"idempotency-key": "press"}
    first = rob.post(f"{LEADS}/{id_}/convert", {"deal": {}}, headers=key)
    again = rob.post(f"{LEADS}/{id_}/convert", {"deal": {}}, headers=key)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    late = any_house.of("admin").post(f"{LEADS}/{id_}/convert", {"deal": {}})
    assert code(late) == (409, "already_converted")
    made, told = first.json(), late.json()
    assert (told["converted_by"], told["converted_at"]) == ("rob", made["lead"]["converted_at"])
    assert (told["deal"], told["account"]) == (made["deal"]["id"], made["account"]["id"])
    assert f"by rob at {told['converted_at']}" in told["detail"]
    assert all(at.endswith("Z") for at in (told["converted_at"], made["account"]["customer_since"]))
    assert code(rob.post(f"{LEADS}/{id_}/lose", {"reason": "price"})) == (409, "already_converted")
    assert code(rob.post(f"{LEADS}/{id_}/reopen")) == (409, "already_converted")
    assert len(rob.ok("GET", "/api/v1/deals")["items"]) == 1


def test_of_a_converted_lead_is_changed_whom_it_names_and_not_what_its_deal_says(house: House) -> None:
    rob, id_ = house.of("rob"), lead(house)
    made = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    now = made["lead"]
    for more in ({"amount": 77}, {"currency": "USD"}, {"expected_close_on": "2026-05-01", "name": "Anne"}):
        answer = rob.patch(f"{LEADS}/{id_}", {"version": now["version"], **more})
        assert code(answer) == (409, "already_converted")
        assert answer.json()["deal"] == made["deal"]["id"]
        assert "change it there" in answer.json()["detail"]
    same = {"version": now["version"], "amount": now["amount"], "phone": "0612345999"}
    assert rob.ok("PATCH", f"{LEADS}/{id_}", same)["phone"] == "0612345999"
    without = lead(house, name="Bob")
    version = rob.ok("POST", f"{LEADS}/{without}/convert", {})["lead"]["version"]
    assert rob.ok("PATCH", f"{LEADS}/{without}", {"version": version, "amount": 77})["amount"] == 77


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"deal": {"stage": "ofer"}}, "unknown_stage"),
    ({"deal": {"pipeline": "leads"}}, "unknown_pipeline"),
    ({"deal": {"currency": "EUX"}}, "unknown_currency"),
    ({"deal": {"amount": "0.001"}}, "amount_invalid"),
    ({"deal": {"owner": "nobody"}}, "unknown_owner"),
    ({"account": {"id": "nowhere"}}, "unknown_record"),
    ({"contact": {"id": "nowhere"}}, "unknown_record"),
    ({"follow_up": {"kind": "nothing"}}, "unknown_kind"),
    ({"follow_up": {"due_at": "2199-01-01T00:00:00Z"}}, "invalid_input"),
    ({"contact": {"email": "x"}}, "invalid_input"),
    ({"deals": {}}, "invalid_input"),
]


@pytest.mark.parametrize(("body", "expected"), WRONG)
def test_what_cannot_be_leaves_nothing(still_house: House, body: dict[str, Any], expected: str) -> None:
    id_ = lead(still_house)
    before = counts(still_house)
    assert code(still_house.of("rob").post(f"{LEADS}/{id_}/convert", body)) == (422, expected)
    assert counts(still_house) == before


def test_a_lead_that_names_nobody_asks_for_a_name(still_house: House) -> None:
    id_ = still_house.of("rob").ok("POST", LEADS, {"title": "Somebody at the fair"})["id"]
    assert code(still_house.of("rob").post(f"{LEADS}/{id_}/convert", {})) == (422, "account_missing")
    done = still_house.of("rob").ok("POST", f"{LEADS}/{id_}/convert", {"account": {"name": "Fair"}, "deal": {}})
    assert (done["account"]["name"], done["deal"]["title"]) == ("Fair", "Somebody at the fair")
    assert code(still_house.of("rob").post(f"{LEADS}/nowhere/convert", {})) == (404, "not_found")
    assert code(still_house.of("ria").post(f"{LEADS}/{lead(still_house)}/convert", {})) == (403, "forbidden")


def test_undone_while_nobody_went_on(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}, "follow_up": {"title": "Call"}})
    drain(any_house.db)
    back = rob.ok("POST", f"{LEADS}/{id_}/undo-conversion")
    assert (back["status"], back["deal"], back["account"], back["converted_by"]) == ("open", None, None, None)
    drain(any_house.db)
    assert set(titles(any_house, deal=done["deal"]["id"]).values()) == {"cancelled"}
    for noun in ("deals", "accounts", "contacts"):
        assert rob.ok("GET", f"/api/v1/{noun}")["items"] == []
    assert rob.ok("GET", done["links"]["deal"])["deleted"] is True
    assert code(rob.post(f"{LEADS}/{id_}/undo-conversion")) == (409, "not_converted")
    anew = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    assert anew["deal"]["id"] != done["deal"]["id"]
    assert sorted(anew["made"]) == ["account", "contact", "deal"]


def test_undone_before_its_rules_have_run_makes_no_work(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    drain(any_house.db)
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    act = rob.ok("GET", "/api/v1/acts")["items"][0]
    assert (act["kind"], act["can_undo"]) == ("lead.convert", True)
    rob.ok("POST", f"/api/v1/acts/{act['id']}/undo")
    drain(any_house.db)
    assert titles(any_house, deal=done["deal"]["id"]) == {}
    assert rob.ok("GET", f"{LEADS}/{id_}")["status"] == "open"
    with any_house.db.read() as tx:
        reasons = tx.conn.execute(select(event.c.type, event.c.reason).where(event.c.state == "ignored")).all()
    assert ("lead.converted", "undone") in [tuple(row) for row in reasons]


def test_not_once_somebody_has_begun_and_not_once_the_deal_has_moved(any_house: House) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    drain(any_house.db)
    begun, _ = any_house.taken("zoe")
    refused = rob.post(f"{LEADS}/{id_}/undo-conversion")
    assert code(refused) == (409, "work_started")
    assert (refused.json()["task"], refused.json()["holder"]) == (begun, "zoe")
    assert rob.ok("GET", f"{LEADS}/{id_}")["deal"] == done["deal"]["id"]
    other = lead(any_house)
    moved = rob.ok("POST", f"{LEADS}/{other}/convert", {"deal": {}})["deal"]
    rob.ok("POST", f"/api/v1/deals/{moved['id']}/stage", {"stage": "signed"})
    assert code(rob.post(f"{LEADS}/{other}/undo-conversion")) == (409, "deal_changed")


def test_undo_leaves_what_others_use(any_house: House) -> None:
    rob, one, two = any_house.of("rob"), lead(any_house), lead(any_house)
    first = rob.ok("POST", f"{LEADS}/{one}/convert", {"deal": {}})
    second = rob.ok("POST", f"{LEADS}/{two}/convert", {"deal": {}})
    rob.ok("POST", f"{LEADS}/{one}/undo-conversion")
    account = rob.ok("GET", first["links"]["account"])
    assert account.get("deleted") is not True
    assert account["customer_since"] == second["lead"]["converted_at"]
    rob.ok("POST", f"{LEADS}/{two}/undo-conversion")
    assert rob.ok("GET", first["links"]["account"])["customer_since"] is None


STEPS = (
    "convert.locked", "convert.account_made", "convert.contact_known", "convert.deal_made", "convert.lead_converted",
    "convert.followed_up", "convert.kept", "event.own_stored", "tx.act_written", "tx.history_written",
    "tx.messages_written", "tx.before_commit",
)  # fmt: skip
BACK = (
    "unconvert.called_off", "unconvert.tasks_withdrawn", "unconvert.lead_opened", "unconvert.ended",
    "tx.before_commit",
)  # fmt: skip


class Fault(Exception):
    pass


def strike(place: str) -> Any:
    def struck(name: str) -> None:
        if name == place:
            raise Fault(place)

    return struck


def counts(house: House) -> dict[str, Any]:
    with house.db.read() as tx:
        tables = (*RECORDS.values(), conversion, stage_change, event, task)
        found = {one.name: tx.conn.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}
        states = tx.conn.execute(select(task.c.id, task.c.state).order_by(task.c.id)).all()
        versions = tx.conn.execute(select(RECORDS["lead"].c.id, RECORDS["lead"].c.fields).order_by("id")).all()
        return {**found, "states": [tuple(row) for row in states], "leads": [tuple(row) for row in versions]}


@pytest.mark.parametrize("place", STEPS)
def test_a_fault_at_any_step_leaves_nothing_and_the_next_press_does_all(any_house: House, place: str) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    drain(any_house.db)
    before, body = counts(any_house), {"deal": {}, "follow_up": {"title": "Call"}}
    failpoints.arm(strike(place))
    try:
        failed = rob.post(f"{LEADS}/{id_}/convert", body)
    finally:
        failpoints.arm(None)
    assert failed.status_code == 500
    assert counts(any_house) == before
    done = rob.ok("POST", f"{LEADS}/{id_}/convert", body)
    assert done["deal"]["lead"] == id_
    after = counts(any_house)
    assert [after[noun] - before[noun] for noun in ("account", "contact", "deal", "conversion", "task")] == [1] * 5


@pytest.mark.parametrize("place", BACK)
def test_a_fault_while_taking_back_leaves_the_conversion_whole(any_house: House, place: str) -> None:
    id_, rob = lead(any_house), any_house.of("rob")
    rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}, "follow_up": {"title": "Call"}})
    drain(any_house.db)
    before = counts(any_house)
    failpoints.arm(strike(place))
    try:
        failed = rob.post(f"{LEADS}/{id_}/undo-conversion")
    finally:
        failpoints.arm(None)
    assert failed.status_code == 500
    assert counts(any_house) == before
    assert rob.ok("POST", f"{LEADS}/{id_}/undo-conversion")["status"] == "open"
