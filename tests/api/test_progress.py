"""Funnel, rates and time per stage against a recount by hand; customers nobody has work for; the file of a deal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from taskhub.events import service as events
from taskhub.events.model import QUIET, Delivery, Event, RecordRef
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"


def tell(house: House, number: int, type_: str, at: datetime, lead: dict[str, Any], **previous: Any) -> None:
    sent = {"specversion": "1.0", "id": f"e{number}", "source": "web", "type": type_, "time": at.isoformat(),
            "data": {"lead": {"pipeline": "leads", **lead}, "previous": previous}}  # fmt: skip
    house.of("integration").ok("POST", "/api/v1/events", sent)


def story(house: House, begin: datetime) -> None:
    """L1 is converted after 10 + 30 hours, L2 lost from the second stage, L3 stays, L4 belongs to somebody else."""
    hour = timedelta(hours=1)
    for number, owner in enumerate(("rob", "rob", "rob", "yan"), 1):
        lead = {"id": f"L{number}", "owner": owner, "stage": "new", "amount": 0.1 * number, "currency": "EUR"}
        tell(house, number, "lead.created", begin, lead)
    for number, id_ in ((11, "L1"), (12, "L2")):
        tell(house, number, "lead.stage_changed", begin + 10 * hour, {"id": id_, "stage": "known"}, stage="new")
    tell(house, 21, "lead.converted", begin + 40 * hour, {"id": "L1"})
    tell(house, 22, "lead.lost", begin + 30 * hour, {"id": "L2", "lost_reason": "price"})


def of(answer: dict[str, Any], pipeline: str = "leads") -> dict[str, Any]:
    (found,) = [item for item in answer["items"] if item["pipeline"] == pipeline]
    return dict(found)


def test_the_funnel_is_what_a_recount_finds(any_house: House) -> None:
    begin = datetime.now(UTC) - timedelta(days=5)
    story(any_house, begin)
    drain(any_house.db)
    mine = of(any_house.of("rob").ok("GET", "/api/v1/metrics/sales"))
    assert {name: mine[name] for name in ("created", "converted", "lost", "rate", "open")} == {
        "created": 3, "converted": 1, "lost": 1, "rate": 0.5, "open": 1,
    }  # fmt: skip
    assert (mine["amounts"], mine["lost_reasons"]) == ({"EUR": "0.10"}, {"price": 1})
    assert mine["stages"][:2] == [
        {"stage": "new", "entered": 3, "left": 2, "mean_hours": 10.0, "median_hours": 10.0, "now": 1},
        {"stage": "known", "entered": 2, "left": 2, "mean_hours": 25.0, "median_hours": 25.0, "now": 0},
    ]
    everybody = of(any_house.of("admin").ok("GET", "/api/v1/metrics/sales"))
    assert everybody["created"] == 4
    late = of(any_house.of("admin").ok("GET", f"/api/v1/metrics/sales?from={stamp(begin + timedelta(hours=20))}"))
    assert (late["created"], late["converted"], late["lost"]) == (0, 1, 1)
    assert [stage["entered"] for stage in late["stages"]] == [0, 0, 0]
    assert [stage["left"] for stage in late["stages"]] == [0, 2, 0]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_conversion_that_was_taken_back_counts_for_nothing(any_house: House) -> None:
    rob = any_house.of("rob")
    id_ = rob.ok("POST", LEADS, {"name": "Ann", "company": "Roux", "amount": 7})["id"]
    rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    converted = of(rob.ok("GET", "/api/v1/metrics/sales"))
    assert (converted["converted"], converted["rate"], converted["open"]) == (1, 1.0, 0)
    rob.ok("POST", f"{LEADS}/{id_}/undo-conversion")
    back = of(rob.ok("GET", "/api/v1/metrics/sales"))
    assert (back["converted"], back["rate"], back["amounts"], back["open"]) == (0, None, {}, 1)
    assert of(rob.ok("GET", "/api/v1/metrics/sales"), "sales")["open"] == 0


def test_whose_progress_one_may_see(any_house: House) -> None:
    for who, path, expected in (
        ("rob", "?agent=ria", 403), ("rob", "?team=sales", 403), ("lea", "?team=specialists", 200),
        ("dora", "?department=back", 200), ("dora", "?team=abroad", 404), ("admin", "?team=sales", 200),
        ("admin", "?department=bogus", 404), ("rob", "?department=bogus", 404),
        ("admin", "?team=sales&agent=rob", 422), ("admin", "?agent=nobody", 404), ("zoe", "", 403),
        ("admin", "?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", 422),
    ):  # fmt: skip
        answer = any_house.of(who).get(f"/api/v1/metrics/sales{path}")
        assert answer.status_code in (expected, {403: 404}.get(expected)), (who, path, answer.text)


def test_customers_nobody_has_work_for_are_owed_it(any_house: House) -> None:
    rob = any_house.of("rob")
    ids = [rob.ok("POST", LEADS, {"name": f"Ann {n}", "company": f"Roux {n}"})["id"] for n in range(2)]
    for id_ in ids:
        rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    assert {one["lead"] for one in rob.ok("GET", "/api/v1/conversions?owing=true")["items"]} == set(ids)
    drain(any_house.db)
    assert rob.ok("GET", "/api/v1/conversions?owing=true")["items"] == []
    newest = rob.ok("GET", "/api/v1/conversions?limit=1")
    assert (newest["items"][0]["lead"], newest["items"][0]["tasks"], newest["items"][0]["by"]) == (ids[1], 2, "rob")
    older = rob.ok("GET", f"/api/v1/conversions?limit=1&cursor={newest['next_cursor']}")
    assert [one["lead"] for one in older["items"]] == [ids[0]]
    for _ in range(4):
        given = any_house.of("admin").ok("GET", "/api/v1/tasks?state=queued&kind=contract")["items"]
        for one in given:
            any_house.of("admin").ok("POST", f"/api/v1/tasks/{one['id']}/cancel", {"reason": "no"})
        drain(any_house.db)
        for one in any_house.of("admin").ok("GET", "/api/v1/tasks?state=queued&kind=billing")["items"]:
            any_house.of("admin").ok("POST", f"/api/v1/tasks/{one['id']}/cancel", {"reason": "no"})
    assert {one["lead"] for one in rob.ok("GET", "/api/v1/conversions?owing=true")["items"]} == set(ids)
    rob.ok("POST", f"{LEADS}/{ids[0]}/follow-up", {"title": "Begin at last"})
    assert [one["lead"] for one in rob.ok("GET", "/api/v1/conversions?owing=true")["items"]] == [ids[1]]


def test_nobody_owes_work_for_what_was_converted_elsewhere_before(any_house: House) -> None:
    admin, at = any_house.of("admin"), datetime(2019, 1, 1, tzinfo=UTC)
    file = b"id,name,company,status,created,closed\nold,Ann,Roux,converted,2018-01-01,2019-01-01\n"
    made = admin.post("/api/v1/imports?noun=leads", content=file, headers={"content-type": "text/csv"}).json()["id"]
    drain(any_house.db)
    admin.ok("POST", f"/api/v1/imports/{made}/start", {})
    with any_house.db.begin() as tx:
        ref = RecordRef("lead", "asked:synced")
        said = Event(
            "pipedrive:x", "1", ("lead.updated",), at, ref, {"lead": {"id": ref.id, "status": "converted"}},
            connection="asked", states_change=False, look=QUIET,
        )  # fmt: skip
        parcel = Delivery("pipedrive:x", "1", said.type, str(ref), at, "1", "1", "accepted", said)
        events.ingest(tx, [parcel], b"{}", {}, "application/json", connection="asked")
    drain(any_house.db)
    id_ = admin.ok("POST", LEADS, {"name": "Bob", "company": "Blanc"})["id"]
    admin.ok("POST", f"{LEADS}/{id_}/convert", {})

    def listed(query: str) -> list[str]:
        return [one["lead"] for one in admin.ok("GET", f"/api/v1/conversions?{query}")["items"]]

    assert listed("owing=true") == [id_]
    assert set(listed("")) == {"old", "asked:synced", id_}
    assert listed("from=2020-01-01T00:00:00Z") == [id_]
    assert set(listed("until=2020-01-01T00:00:00Z")) == {"old", "asked:synced"}
    assert listed("owing=true&until=2020-01-01T00:00:00Z") == []
    reversed_ = admin.get("/api/v1/conversions?from=2020-01-01T00:00:00Z&until=2019-01-01T00:00:00Z")
    assert reversed_.status_code == 422
    near = admin.get("/api/v1/metrics/sales?department=bac").json()["detail"]
    assert "did you mean back?" in near


def test_the_file_of_a_conversion_is_there_for_its_rep(any_house: House) -> None:
    rob = any_house.of("rob")
    id_ = rob.ok("POST", LEADS, {"name": "Ann", "company": "Roux", "amount": 10})["id"]
    deal = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})["deal"]["id"]
    drain(any_house.db)
    any_house.taken("zoe")
    found = rob.ok("GET", f"/api/v1/deals/{deal}/file")
    first, second = [one for one in found["items"] if one["deal"] == deal]
    [call] = [one for one in found["items"] if one["deal"] is None]
    assert (call["lead"], call["title"], call["state"]) == (id_, "Call Ann", "cancelled")
    assert (found["tasks"], found["open"], found["late"]) == (3, 2, 0)
    assert (first["title"], first["state"], first["agent_name"]) == ("Agreement with Roux", "in_progress", "Zoe")
    assert (second["state"], [one["id"] for one in second["waits_for"]]) == ("blocked", [first["id"]])
    assert first["due_at"] is not None
    assert any_house.of("ria").ok("GET", f"/api/v1/deals/{deal}/file")["tasks"] == 3
    assert code(any_house.of("far").get(f"/api/v1/deals/{deal}/file")) == (404, "not_found")


def test_the_file_of_a_lead_shows_its_work_and_that_of_its_deals(any_house: House) -> None:
    rob, admin = any_house.of("rob"), any_house.of("admin")
    alone = rob.ok("POST", LEADS, {"name": "Ann", "company": "Roux"})["id"]
    rob.ok("POST", f"{LEADS}/{alone}/convert", {})
    drain(any_house.db)
    found = rob.ok("GET", f"{LEADS}/{alone}/file")
    titles = {one["title"] for one in found["items"] if one["state"] != "cancelled"}
    assert titles == {"Agreement with Roux", "Account of Roux"}
    assert (found["lead"]["id"], found["open"], found["notes"]) == (alone, 2, [])
    assert code(any_house.of("far").get(f"{LEADS}/{alone}/file")) == (404, "not_found")

    id_ = rob.ok("POST", LEADS, {"name": "Bob", "company": "Blanc"})["id"]
    asked = rob.ok("POST", f"{LEADS}/{id_}/follow-up", {"kind": "contract", "title": "Check them"})["task"]["id"]
    deal = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})["deal"]["id"]
    other = admin.ok("POST", "/api/v1/deals", {"title": "Another", "lead": id_})["id"]
    far = any_house.task("billing", lead=id_, deal=other)
    drain(any_house.db)
    of_deal = rob.ok("GET", f"/api/v1/deals/{deal}/file")
    (check,) = [one for one in of_deal["items"] if one["id"] == asked]
    assert (check["lead"], check["deal"]) == (id_, None)
    assert far not in {one["id"] for one in of_deal["items"]}
    of_lead = {one["id"] for one in rob.ok("GET", f"{LEADS}/{id_}/file")["items"]}
    assert of_lead == {one["id"] for one in of_deal["items"]}
    assert far in {one["id"] for one in admin.ok("GET", f"{LEADS}/{id_}/file")["items"]}
