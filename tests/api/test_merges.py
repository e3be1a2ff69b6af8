"""Two records that are one: what is shown before, what is done, who may, what others say later, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub import failpoints
from taskhub.db.tables import task
from taskhub.db.tables_merges import merge
from taskhub.db.tables_sales import RECORDS
from taskhub.events import service as events
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House
from tests.api.test_questions import ask, case

LEADS = "/api/v1/leads"
ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example"}
TWIN = {"name": "Ann Roux", "company": "Atelier Roux SA", "phone": "+33 1 40 00 00 01"}


def made(house: House, noun: str = "lead", persona: str = "rob", **fields: Any) -> str:
    return str(house.of(persona).ok("POST", f"/api/v1/{noun}s", fields)["id"])


def two(house: House, persona: str = "rob") -> tuple[str, str]:
    """The one that stays, the one that goes."""
    ids = made(house, persona=persona, **ANN), made(house, persona=persona, **TWIN)
    drain(house.db)
    return ids


def merged(house: House, stays: str, *gone: str, noun: str = "lead", persona: str = "rob", **more: Any) -> Any:
    client, path = house.of(persona), f"/api/v1/{noun}s/{stays}/merge"
    foreseen = client.ok("POST", f"{path}/preview", {"gone": [*gone], **more})
    return client.ok("POST", path, {"gone": [*gone], "versions": foreseen["versions"], **more})


def tell(house: House, noun: str, type_: str, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Another system says so. The event afterwards."""
    sent: dict[str, Any] = {"specversion": "1.0", "id": f"{type_}{fields}", "source": "s", "type": type_}
    sent |= {"data": {noun: fields}, **({"time": at.isoformat()} if at else {})}
    receipt = house.of("admin").ok("POST", "/api/v1/events", sent)["events"][0]
    drain(house.db)
    return dict(house.of("admin").ok("GET", f"/api/v1/events/{receipt['event_id']}"))


def get(house: House, id_: str, noun: str = "lead") -> dict[str, Any]:
    return dict(house.of("admin").ok("GET", f"/api/v1/{noun}s/{id_}"))


def work(house: House, **which: Any) -> dict[str, str]:
    with house.db.read() as tx:
        wanted = [task.c[name] == value for name, value in which.items()]
        found = tx.conn.execute(select(task.c.title, task.c.state, task.c.id).where(*wanted).order_by(task.c.id))
        return {f"{row.title}|{row.id}": row.state for row in found}


def states(house: House, **which: Any) -> list[str]:
    return sorted(work(house, **which).values())


def everything(house: House) -> dict[str, Any]:
    """What stands in every record and task, without versions and instants."""
    with house.db.read() as tx:
        records = {
            f"{noun}:{row.id}": {name: value for name, value in row.fields.items() if value not in (None, False)}
            for noun, table in RECORDS.items() for row in tx.conn.execute(select(table.c.id, table.c.fields))
        }  # fmt: skip
        names = (
            "id",
            "record",
            "lead",
            "deal",
            "customer",
            "file",
            "state",
            "title",
            "due_at",
            "explicit_due",
            "agent",
        )
        rows = tx.conn.execute(select(*[task.c[name] for name in names]).order_by(task.c.id))
        return {**records, "tasks": [tuple(row) for row in rows]}


def test_the_preview_says_which_value_wins_and_why_and_writes_nothing(any_house: House) -> None:
    stays, gone = two(any_house)
    before = everything(any_house)
    path = f"{LEADS}/{stays}/merge/preview?language=fr"
    said = any_house.of("rob").ok("POST", path, {"gone": [gone], "choose": {"company": stays}})
    fields = {one["field"]: one for one in said["fields"]}
    assert {name: (one["value"], one["of"], one["why"]) for name, one in fields.items()} == {
        "name": ("Ann Roux", stays, "same"), "company": ("Atelier Roux", stays, "chosen"),
        "email": ("ann@roux.example", stays, "only"), "phone": ("+33 1 40 00 00 01", gone, "only"),
        "stage": ("new", stays, "same"), "pipeline": ("leads", stays, "same"), "owner": ("rob", stays, "same"),
    }  # fmt: skip
    assert fields["phone"]["text"] == "seule cette fiche l’indique"
    assert said["versions"] == {stays: 1, gone: 1}
    assert (said["moves"], said["closed"], said["suggested"]) == ({"task": 1}, 1, stays)
    newer = any_house.of("rob").ok("POST", path, {"gone": [gone]})["fields"]
    assert [(one["value"], one["why"]) for one in newer if one["field"] == "company"] == [("Atelier Roux SA", "newer")]
    assert everything(any_house) == before


def test_one_takes_what_the_other_says_and_the_other_says_where_it_went(any_house: House) -> None:
    stays, gone = two(any_house)
    done = merged(any_house, stays, gone)
    assert [done["lead"][name] for name in ("email", "phone", "company")] == [
        "ann@roux.example", "+33 1 40 00 00 01", "Atelier Roux SA",
    ]  # fmt: skip
    assert done["gone"] == [{"id": gone, "merged_into": stays}]
    drain(any_house.db)
    assert get(any_house, stays) | {"last_changed_at": 0} == done["lead"] | {"last_changed_at": 0}
    away = any_house.of("rob").ok("GET", f"{LEADS}/{gone}")
    assert (away["merged_into"], away["deleted"], away.get("email")) == (stays, True, None)
    assert [one["id"] for one in any_house.of("rob").ok("GET", LEADS)["items"]] == [stays]
    acts = {id_: [row["act"] for row in any_house.of("rob").ok("GET", f"{LEADS}/{id_}/history")["items"]]
            for id_ in (stays, gone)}  # fmt: skip
    assert acts == {stays: ["create", "merge", "merge"], gone: ["create", "merge_away"]}
    one = any_house.of("rob").ok("GET", f"/api/v1/merges/{done['merges'][0]}")
    assert (one["gone"], one["stays"], one["by"], one["undone_at"]) == (f"lead:{gone}", f"lead:{stays}", "rob", None)


def test_acts_on_one_that_went_are_told_where_it_went(any_house: House) -> None:
    stays, gone = two(any_house)
    merged(any_house, stays, gone)
    rob = any_house.of("rob")
    for path, body in (("stage", {"stage": "known"}), ("lose", {"reason": "price"}), ("convert", {}),
                       ("take-over", {}), ("follow-up", {})):  # fmt: skip
        refused = rob.post(f"{LEADS}/{gone}/{path}", body)
        assert code(refused) == (409, "already_merged"), path
        assert refused.json()["merged_into"] == stays
    assert code(rob.patch(f"{LEADS}/{gone}", {"version": 2, "name": "x"})) == (409, "already_merged")


def test_two_of_the_same_work_are_one_and_no_promise_is_lost(any_house: House) -> None:
    stays, gone = two(any_house)
    assert len(work(any_house, record=f"lead:{gone}")) == 1
    soon = (datetime.now(UTC) + timedelta(minutes=5)).replace(microsecond=0)
    with any_house.db.begin() as tx:
        mine = tx.conn.execute(select(task.c.id).where(task.c.record == f"lead:{gone}")).scalar_one()
    version = any_house.of("admin").ok("GET", f"/api/v1/tasks/{mine}")["version"]
    any_house.of("admin").ok("PATCH", f"/api/v1/tasks/{mine}", {"version": version, "due_at": soon.isoformat()})
    merged(any_house, stays, gone)
    drain(any_house.db)
    assert states(any_house, record=f"lead:{gone}") == []
    assert states(any_house, record=f"lead:{stays}") == ["cancelled", "queued"]
    with any_house.db.read() as tx:
        left = tx.conn.execute(select(task.c.due_at, task.c.id).where(task.c.state == "queued")).one()
    assert (left.due_at, left.id != mine) == (soon, True)


def test_what_was_begun_stays_and_by_hand_is_never_the_same(any_house: House) -> None:
    stays, gone = two(any_house)
    rob = any_house.of("rob")
    rob.ok("POST", f"{LEADS}/{stays}/follow-up", {"title": "Brochure"})
    rob.ok("POST", f"{LEADS}/{gone}/follow-up", {"title": "Brochure"})
    with any_house.db.begin() as tx:
        call = tx.conn.execute(select(task.c.id).where(task.c.lead == gone, task.c.rule.is_not(None))).scalar_one()
    any_house.of("far").ok("POST", f"/api/v1/tasks/{call}/claim", {"reason": "they rang"})
    merged(any_house, stays, gone)
    drain(any_house.db)
    assert states(any_house, record=f"lead:{stays}") == ["cancelled", "in_progress", "queued", "queued"]
    assert any_house.of("far").ok("GET", f"/api/v1/tasks/{call}")["lead"] == stays


def test_who_belongs_to_it_follows(any_house: House) -> None:
    stays, gone = made(any_house, "account", name="Roux"), made(any_house, "account", name="Roux SA")
    contact = made(any_house, "contact", name="Ann", account=gone)
    deal = made(any_house, "deal", title="Press", account=gone, contact=contact)
    drain(any_house.db)
    merged(any_house, stays, gone, noun="account")
    drain(any_house.db)
    assert get(any_house, contact, "contact")["account"] == get(any_house, deal, "deal")["account"] == stays
    assert get(any_house, gone, "account")["merged_into"] == stays


def test_several_at_once_and_a_choice_for_a_field(any_house: House) -> None:
    ids = [made(any_house, **{**ANN, "phone": f"+33 1 0{number}"}) for number in range(3)]
    drain(any_house.db)
    done = merged(any_house, ids[0], ids[1], ids[2], choose={"phone": ids[1]})
    assert (done["lead"]["phone"], len(done["merges"])) == ("+33 1 01", 2)
    assert [get(any_house, id_)["merged_into"] for id_ in ids[1:]] == [ids[0]] * 2
    back = any_house.of("rob").ok("POST", f"/api/v1/merges/{done['act']}/undo")["items"]
    assert sorted(one["id"] for one in back) == sorted(ids[1:])
    assert [get(any_house, id_)["phone"] for id_ in ids] == ["+33 1 00", "+33 1 01", "+33 1 02"]


def test_who_may_not_change_each_of_them_may_not_merge(any_house: House) -> None:
    stays, gone = made(any_house, **ANN), made(any_house, persona="ria", **TWIN)
    far = made(any_house, persona="admin", **TWIN, owner="far")
    body = {"gone": [gone], "versions": {stays: 1, gone: 1}}
    assert code(any_house.of("rob").post(f"{LEADS}/{stays}/merge", body)) == (403, "forbidden")
    assert code(any_house.of("rob").post(f"{LEADS}/{stays}/merge/preview", {"gone": [far]})) == (404, "not_found")
    assert code(any_house.of("rob").post(f"{LEADS}/{stays}/merge/preview", {"gone": ["none"]})) == (404, "not_found")
    done = any_house.of("admin").ok("POST", f"{LEADS}/{stays}/merge", body)
    assert code(any_house.of("rob").post(f"/api/v1/merges/{done['merges'][0]}/undo")) == (403, "forbidden")
    assert code(any_house.of("zoe").get(f"/api/v1/merges/{done['merges'][0]}")) == (404, "not_found")
    told = any_house.of("ria").ok("GET", "/api/v1/me/notifications")["items"]
    assert [one["subject"] for one in told] == ["Somebody has taken over Atelier Roux SA"]
    assert any_house.of("admin").ok("GET", "/api/v1/merges")["items"][0]["gone"] == f"lead:{gone}"


def test_a_version_that_is_not_the_last_one_is_refused(any_house: House) -> None:
    stays, gone = two(any_house)
    rob, path = any_house.of("rob"), f"{LEADS}/{stays}/merge"
    rob.ok("PATCH", f"{LEADS}/{gone}", {"version": 1, "phone": "+33 2"})
    assert code(rob.post(path, {"gone": [gone], "versions": {stays: 1, gone: 1}})) == (409, "version_clash")
    assert code(rob.post(path, {"gone": [gone], "versions": {stays: 1}})) == (409, "version_clash")
    assert code(rob.post(path, {"gone": [gone]})) == (422, "invalid_input")
    assert code(rob.post(path, {"gone": [], "versions": {}})) == (422, "invalid_input")
    assert code(rob.post(path, {"gone": [stays], "versions": {stays: 1}})) == (422, "same_record")
    assert code(rob.post(path, {"gone": [gone, gone], "versions": {stays: 1, gone: 2}})) == (422, "same_record")
    bad = {"gone": [gone], "versions": {stays: 1, gone: 2}}
    assert code(rob.post(path, {**bad, "choose": {"phone": "else"}})) == (422, "unknown_record")
    assert code(rob.post(path, {**bad, "choose": {"status": gone}})) == (422, "use_the_act")
    assert code(rob.post(path, {**bad, "choose": {"n" * 9_000: gone}})) == (422, "invalid_input")
    assert code(rob.post(path, {**bad, "choose": {"email": gone}})) == (422, "invalid_input")
    key = {"Idempotency-Key": "once"}
    first = rob.ok("POST", path, bad, headers=key)
    assert rob.ok("POST", path, bad, headers=key) == first
    again = rob.post(path, bad)
    assert (code(again), again.json()["merged_into"]) == ((409, "already_merged"), stays)


def test_chains_lead_to_the_end_and_circles_are_refused(any_house: House) -> None:
    a, b, c = (made(any_house, **{**ANN, "phone": f"+33 {number}"}) for number in range(3))
    drain(any_house.db)
    first = merged(any_house, b, a)
    rob = any_house.of("rob")
    assert code(rob.post(f"{LEADS}/{a}/merge/preview", {"gone": [b]})) == (409, "already_merged")
    second = merged(any_house, c, b)
    refused = rob.post(f"{LEADS}/{a}/lose", {"reason": "price"})
    assert (code(refused), refused.json()["merged_into"]) == ((409, "already_merged"), c)
    assert code(rob.post(f"{LEADS}/{a}/merge/preview", {"gone": [c]})) == (409, "already_merged")
    assert code(rob.post(f"/api/v1/merges/{first['merges'][0]}/undo")) == (409, "already_merged")
    tell(any_house, "lead", "lead.updated", id=a, language="fr")
    assert get(any_house, c)["language"] == "fr"
    for one in (second, first):
        rob.ok("POST", f"/api/v1/merges/{one['merges'][0]}/undo")
    assert [get(any_house, id_)["phone"] for id_ in (a, b, c)] == ["+33 0", "+33 1", "+33 2"]


def test_a_converted_lead_does_not_go(any_house: House) -> None:
    stays, gone = two(any_house)
    any_house.of("rob").ok("POST", f"{LEADS}/{gone}/convert", {})
    drain(any_house.db)
    path = f"{LEADS}/{stays}/merge/preview"
    refused = any_house.of("rob").post(path, {"gone": [gone]})
    assert code(refused) == (409, "already_converted")
    assert "let it stay" in refused.json()["detail"]
    assert merged(any_house, gone, stays)["lead"]["status"] == "converted"


def test_a_crms_record_is_merged_over_there(any_house: House) -> None:
    stays, gone = two(any_house)
    with any_house.db.begin() as tx:
        tx.conn.execute(RECORDS["lead"].update().where(RECORDS["lead"].c.id == gone).values(connection="crm"))
    for path, other in ((stays, gone), (gone, stays)):
        refused = any_house.of("rob").post(f"{LEADS}/{path}/merge/preview", {"gone": [other]})
        assert code(refused) == (409, "owned_by_crm")
        assert "merge it there" in refused.json()["detail"]


def test_what_was_said_not_to_be_the_same_is_not_merged_and_goes_with_it(any_house: House) -> None:
    stays, gone = two(any_house)
    third, rob = made(any_house, **ANN), any_house.of("rob")
    pair = {"records": [f"lead:{stays}", f"lead:{gone}"], "denied": True}
    rob.ok("PUT", "/api/v1/duplicates/denials", pair)
    assert code(rob.post(f"{LEADS}/{stays}/merge/preview", {"gone": [gone]})) == (409, "not_the_same")
    rob.ok("PUT", "/api/v1/duplicates/denials", {**pair, "denied": False})
    rob.ok("PUT", "/api/v1/duplicates/denials", {"records": [f"lead:{third}", f"lead:{gone}"], "denied": True})
    done = merged(any_house, stays, gone)
    assert rob.ok("GET", f"{LEADS}/{stays}/duplicates")["items"] == []
    rob.ok("POST", f"/api/v1/merges/{done['merges'][0]}/undo")
    assert {one["id"] for one in rob.ok("GET", f"{LEADS}/{stays}/duplicates")["items"]} == {gone, third}


def test_a_later_event_about_one_that_went_is_about_the_one_that_stays(any_house: House) -> None:
    stays, gone = two(any_house)
    done = merged(any_house, stays, gone)
    drain(any_house.db)
    tell(any_house, "lead", "lead.updated", id=gone, email="new@roux.example", deleted=False)
    assert get(any_house, stays)["email"] == get(any_house, gone)["email"] == "new@roux.example"
    assert get(any_house, gone)["deleted"]
    assert tell(any_house, "lead", "lead.updated", id=gone, deleted=True)["reason"] == "merged"
    assert not get(any_house, stays).get("deleted")
    tell(any_house, "lead", "lead.lost", id=gone, lost_reason="price")
    assert get(any_house, stays)["status"] == "lost"
    assert states(any_house, record=f"lead:{stays}") == ["cancelled", "queued"]
    tell(any_house, "deal", "deal.created", id="d1", title="Press", lead=gone)
    assert get(any_house, "d1", "deal")["lead"] == stays
    any_house.of("rob").ok("POST", f"/api/v1/merges/{done['merges'][0]}/undo")
    assert get(any_house, gone)["deleted"], "its own sender deleted it meanwhile"


def test_a_late_event_from_before_is_about_the_record_as_it_was(any_house: House) -> None:
    stays, gone = two(any_house)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    merged(any_house, stays, gone, choose={"company": stays})
    drain(any_house.db)
    tell(any_house, "lead", "lead.lost", long_ago, id=gone, lost_reason="price", title="Press", company="Old & Co")
    assert [get(any_house, stays).get(name) for name in ("status", "title", "company")] == [
        "open", "Press", "Atelier Roux",
    ]  # fmt: skip
    tell(any_house, "lead", "lead.created", long_ago, id=gone, name="Ann")
    assert states(any_house, record=f"lead:{gone}") == []
    assert states(any_house, record=f"lead:{stays}").count("queued") == 1, "no second call"


def test_an_act_that_waits_to_be_applied_makes_its_work_for_the_one_that_stays(any_house: House) -> None:
    stays, gone = made(any_house, **ANN), made(any_house, **TWIN)
    merged(any_house, stays, gone)
    drain(any_house.db)
    assert states(any_house, record=f"lead:{gone}") == []
    assert states(any_house, record=f"lead:{stays}") == ["cancelled", "queued"]


def test_undo_gives_everything_back(any_house: House) -> None:
    stays, gone = two(any_house)
    any_house.of("rob").ok("POST", f"{LEADS}/{gone}/follow-up", {"title": "Brochure"})
    deal = made(any_house, "deal", title="Press", lead=gone)
    drain(any_house.db)
    before = everything(any_house)
    done = merged(any_house, stays, gone)
    drain(any_house.db)
    assert get(any_house, deal, "deal")["lead"] == stays
    back = any_house.of("rob").ok("POST", f"/api/v1/merges/{done['merges'][0]}/undo")
    drain(any_house.db)
    assert back["items"][0]["id"] == gone
    assert everything(any_house) == before
    again = any_house.of("rob").post(f"/api/v1/merges/{done['merges'][0]}/undo")
    assert code(again) == (409, "already_done")
    merged(any_house, stays, gone)


def test_work_that_came_late_goes_back_with_it(any_house: House) -> None:
    stays, gone = two(any_house)
    done = merged(any_house, stays, gone)
    drain(any_house.db)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    tell(any_house, "lead", "lead.created", long_ago, id=gone, name="Ann")
    assert states(any_house, record=f"lead:{stays}") == ["cancelled", "cancelled", "queued"]
    any_house.of("rob").ok("POST", f"/api/v1/merges/{done['merges'][0]}/undo")
    drain(any_house.db)
    assert states(any_house, record=f"lead:{stays}") == ["queued"]
    assert states(any_house, record=f"lead:{gone}") == ["queued", "queued"]


def test_undo_by_the_list_of_acts(any_house: House) -> None:
    stays, gone = two(any_house)
    done = merged(any_house, stays, gone)
    acts = any_house.of("rob").ok("GET", "/api/v1/acts")["items"]
    assert (acts[0]["id"], acts[0]["kind"], acts[0]["can_undo"]) == (done["act"], "lead.merge", True)
    any_house.of("rob").ok("POST", f"/api/v1/acts/{done['act']}/undo")
    assert get(any_house, gone)["merged_into"] is None


def test_what_was_changed_since_stays_and_what_rests_on_it_refuses(any_house: House) -> None:
    stays, gone = two(any_house)
    done, rob = merged(any_house, stays, gone), any_house.of("rob")
    undo = f"/api/v1/merges/{done['merges'][0]}/undo"
    rob.ok("PATCH", f"{LEADS}/{stays}", {"version": done["lead"]["version"], "phone": "+33 9"})
    rob.ok("POST", f"{LEADS}/{stays}/convert", {})
    drain(any_house.db)
    refused = rob.post(undo)
    assert code(refused) == (409, "already_converted")
    rob.ok("POST", f"{LEADS}/{stays}/undo-conversion")
    drain(any_house.db)
    rob.ok("POST", undo)
    assert (get(any_house, stays)["phone"], get(any_house, stays)["company"]) == ("+33 9", "Atelier Roux")


def test_undo_is_refused_once_the_work_that_does_for_both_was_begun(any_house: House) -> None:
    stays, gone = two(any_house)
    done = merged(any_house, stays, gone)
    drain(any_house.db)
    any_house.taken("far")
    refused = any_house.of("rob").post(f"/api/v1/merges/{done['merges'][0]}/undo")
    assert (code(refused), refused.json()["holder"]) == ((409, "work_started"), "far")
    assert get(any_house, gone)["merged_into"] == stays


def test_a_sender_tells_of_a_merge_of_its_own_also_in_a_circle(any_house: House) -> None:
    for id_ in ("x", "y"):
        tell(any_house, "lead", "lead.created", id=id_, name="Ann", owner="rob")
    tell(any_house, "lead", "lead.merged", id="y", deleted=True, merged_into="x")
    assert get(any_house, "y")["merged_into"] == "x"
    assert states(any_house, record="lead:y") == []
    assert states(any_house, record="lead:x") == ["cancelled", "queued"]
    tell(any_house, "lead", "lead.updated", id="y", phone="1")
    assert get(any_house, "x")["phone"] == "1"
    tell(any_house, "lead", "lead.merged", id="x", deleted=True, merged_into="y")
    assert get(any_house, "x")["merged_into"] is None
    with any_house.db.read() as tx:
        id_ = tx.conn.execute(select(merge.c.id)).scalar_one()
    assert code(any_house.of("admin").post(f"/api/v1/merges/{id_}/undo")) == (409, "owned_by_crm")


PLACES = ("merge.locked", "merge.taken", "merge.gone", "merge.linked", "merge.joined", "merge.kept")
BACK = ("unmerge.called_off", "unmerge.locked", "unmerge.given_back", "unmerge.linked", "unmerge.parted")


class Struck(Exception):
    """The fault that is done."""


@pytest.mark.parametrize("place", [*PLACES, *BACK])
def test_a_fault_at_any_step_leaves_all_or_nothing(any_house: House, place: str) -> None:
    stays, gone = two(any_house)
    made(any_house, "deal", title="Press", lead=gone)
    drain(any_house.db)
    rob, path = any_house.of("rob"), f"{LEADS}/{stays}/merge"
    body: dict[str, Any] = {"gone": [gone], "versions": {stays: 1, gone: 1}}
    if place in BACK:
        path, body = f"/api/v1/merges/{rob.ok('POST', path, body)['merges'][0]}/undo", {}
        drain(any_house.db)
    before = everything(any_house)

    def strike(here: str) -> None:
        if here == place:
            raise Struck

    failpoints.arm(strike)
    try:
        assert rob.post(path, body or None).status_code == 500
    finally:
        failpoints.arm(None)
    assert everything(any_house) == before
    rob.ok("POST", path, body or None)
    drain(any_house.db)
    assert (get(any_house, gone)["merged_into"] is None) == (place in BACK)


def test_events_are_known(any_house: House) -> None:
    """The merge of this house is no news to the one that applies it."""
    stays, gone = two(any_house)
    merged(any_house, stays, gone)
    drain(any_house.db)
    with any_house.db.read() as tx:
        found, _ = events.find(tx, {"type": "lead.merged"}, None, 10)
    assert [one.state for one in found] == ["ignored"]


def test_who_had_the_one_that_went_reads_nothing_of_the_customer_of_others(any_house: House) -> None:
    stays = made(any_house, persona="admin", name="Ann", owner="lea")
    gone = made(any_house, **ANN)
    drain(any_house.db)
    merged(any_house, stays, gone, persona="admin")
    tell(any_house, "lead", "lead.updated", id=gone, email="new@roux.example")
    for id_ in (stays, gone):
        assert code(any_house.of("rob").get(f"{LEADS}/{id_}")) == (404, "not_found")
        assert any_house.of("lea").ok("GET", f"{LEADS}/{id_}")["email"] == "new@roux.example"


@pytest.mark.parametrize("undone", [0, 1])
def test_a_conversion_is_not_undone_under_a_merge_of_what_it_made(any_house: House, undone: int) -> None:
    """The one that stayed was made by another conversion; or it is this one's, and the other one's rests on it."""
    rob, leads, deals = any_house.of("rob"), list[str](), list[str]()
    for _ in range(2):
        leads.append(made(any_house, **ANN))
        drain(any_house.db)
        deals.append(rob.ok("POST", f"{LEADS}/{leads[-1]}/convert", {"deal": {}})["deal"]["id"])
    drain(any_house.db)
    done = merged(any_house, *deals, noun="deal")
    drain(any_house.db)
    refused = rob.post(f"{LEADS}/{leads[undone]}/undo-conversion")
    assert (code(refused), refused.json()["merge"]) == ((409, "already_merged"), done["merges"][0])
    assert get(any_house, deals[0], "deal").get("deleted") is not True
    rob.ok("POST", f"/api/v1/merges/{done['merges'][0]}/undo")
    assert get(any_house, deals[1], "deal")["deleted"] is False


def test_an_answer_hangs_on_the_record_that_stayed(any_house: House) -> None:
    one = case(any_house)
    question = ask(any_house, one)["question"]["id"]
    stays = made(any_house, "deal", title="Other")
    merged(any_house, stays, one.deal, noun="deal")
    drain(any_house.db)
    rob = any_house.of("rob")
    rob.ok("POST", f"/api/v1/questions/{question}/answer", {"answer": "Paris"})
    assert [note["text"] for note in rob.ok("GET", f"/api/v1/deals/{stays}/notes")["items"]] == ["Paris"]


def test_a_merge_a_sender_tells_of_takes_notes_along(any_house: House) -> None:
    for id_ in ("x", "y"):
        tell(any_house, "lead", "lead.created", id=id_, name="Ann", owner="rob")
    any_house.of("rob").ok("POST", f"{LEADS}/y/notes", {"text": "after six"})
    tell(any_house, "lead", "lead.merged", id="y", deleted=True, merged_into="x")
    assert [one["text"] for one in any_house.of("rob").ok("GET", f"{LEADS}/x/notes")["items"]] == ["after six"]
