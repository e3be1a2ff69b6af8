"""Doubles over HTTP: with reasons in the reader's language, and no more told than the reader may see."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from taskhub.errors import Conflict
from taskhub.sales.duplicates import runs
from taskhub.testing.drain import drain
from tests.api.house import House

JANE = {"name": "Jane Smith", "company": "Acme Ltd", "email": "jane.smith@acme.com", "phone": "+44 20 7946 0018"}
TWIN = {"name": "SMITH, Jane", "company": "ACME", "email": "Jane.Smith@acme.com"}


@pytest.fixture
def told(house: House) -> House:
    for number, (noun, fields) in enumerate(
        (("lead", {**JANE, "owner": "rob"}), ("contact", {**TWIN, "owner": "far"}), ("lead", {**JANE, "owner": "ria"}))
    ):
        data = {noun: {"id": f"r{number}", **fields}}
        sent = {"specversion": "1.0", "id": f"e{number}", "source": "s", "type": f"{noun}.updated", "data": data}
        house.of("admin").ok("POST", "/api/v1/events", sent)
    drain(house.db)
    return house


def items(house: House, who: str, path: str = "/api/v1/leads/r0/duplicates") -> list[dict[str, Any]]:
    return list(house.of(who).ok("GET", path)["items"])


def test_an_admin_sees_every_double_with_its_reasons(told: House) -> None:
    first, second = items(told, "admin")
    assert {first["record"], second["record"]} == {"lead:r2", "contact:r1"}
    assert first["likely"]
    assert first["email"]
    assert first["sentence"].startswith("Very likely the same: the same e-mail address; the same name")
    assert {"reason": "email_same", "bits": 8, "text": "the same e-mail address"} in first["reasons"]


def test_a_rep_learns_of_a_strangers_record_only_whose_it_is_and_why(told: House) -> None:
    found = {one["owner"]: one for one in items(told, "rob")}
    assert found["ria"]["record"] == "lead:r2"
    hidden = found["far"]
    assert (hidden["record"], hidden["id"], hidden["name"], hidden["email"]) == (None, None, None, None)
    assert hidden["likely"]
    assert told.of("rob").get("/api/v1/contacts/r1/duplicates").status_code == 404


def test_a_record_is_checked_before_it_is_made_in_the_readers_language(told: House) -> None:
    found = told.of("rob").post("/api/v1/duplicates/check?language=fr", {"noun": "lead", **TWIN}).json()["items"]
    assert len(found) == 3
    assert found[0]["sentence"].startswith("Très probablement la même fiche\u00a0: la même adresse e-mail")
    assert told.of("rob").ok("POST", "/api/v1/duplicates/check", {"name": "Nobody Else"})["items"] == []
    assert told.of("rob").post("/api/v1/duplicates/check", {"noun": "deal"}).status_code == 422


def test_what_is_no_duplicate_is_said_by_who_sees_both_and_can_be_taken_back(told: House) -> None:
    pair = {"records": ["lead:r0", "lead:r2"], "denied": True, "reason": "mother and daughter"}
    rob, path = told.of("rob"), "/api/v1/duplicates/denials"
    assert rob.ok("PUT", path, pair) == {"records": ["lead:r0", "lead:r2"], "denied": True, "changed": True}
    assert not rob.ok("PUT", path, pair)["changed"]
    assert {one["owner"] for one in items(told, "rob")} == {"far"}
    assert rob.ok("PUT", path, {**pair, "denied": False})["changed"]
    assert len(items(told, "rob")) == 2
    assert rob.put(path, {**pair, "records": ["lead:r0", "contact:r1"]}).status_code == 404
    for wrong in (["lead:r0", "lead:r0"], ["lead:r0", "deal:1"], ["lead:r0", "x"]):
        assert told.of("admin").put(path, {**pair, "records": wrong}).status_code == 422


def test_a_look_at_everything_runs_in_the_background_and_is_read_page_by_page(told: House) -> None:
    admin = told.of("admin")
    assert admin.ok("GET", "/api/v1/duplicates") == {"items": [], "next_cursor": None, "looked_at": None}
    begun = admin.post("/api/v1/duplicates/runs")
    assert begun.status_code == 202, begun.text
    assert begun.json()["state"] == "running"
    assert admin.post("/api/v1/duplicates/runs").json()["code"] == "too_many_runs"
    drain(told.db)
    run = admin.ok("GET", begun.json()["self"])
    assert (run["state"], run["found"], run["done"]) == ("ended", 3, run["total"])
    page = admin.ok("GET", "/api/v1/duplicates?limit=2")
    rest = admin.ok("GET", f"/api/v1/duplicates?limit=2&cursor={page['next_cursor']}")
    pairs = [(one["one"], one["two"]) for one in (*page["items"], *rest["items"])]
    assert sorted(pairs) == [("contact:r1", "lead:r0"), ("contact:r1", "lead:r2"), ("lead:r0", "lead:r2")]
    assert rest["next_cursor"] is None
    assert page["looked_at"]
    assert admin.get("/api/v1/duplicates?cursor=WyJhIiwiYiIsImMiXQ").json()["code"] == "bad_cursor"
    assert told.of("rob").get("/api/v1/duplicates").status_code == 403
    assert admin.get("/api/v1/duplicates/runs/none").status_code == 404


def test_what_was_deleted_is_found_no_more(told: House) -> None:
    data = {"lead": {"id": "r2", "deleted": True}}
    sent = {"specversion": "1.0", "id": "gone", "source": "s", "type": "lead.updated", "data": data}
    told.of("admin").ok("POST", "/api/v1/events", sent)
    drain(told.db)
    assert {one["record"] for one in items(told, "admin")} == {"contact:r1"}


def test_two_looks_begun_at_one_moment_are_one(any_house: House) -> None:
    began = Event()

    def second() -> None:
        began.set()
        with any_house.db.begin() as tx:
            runs.begin(tx)

    with ThreadPoolExecutor(1) as pool:
        with any_house.db.begin() as tx:
            runs.begin(tx)
            late = pool.submit(second)
            began.wait()
            with pytest.raises(TimeoutError):
                late.result(0.5)
        with pytest.raises(Conflict):
            late.result(10)
