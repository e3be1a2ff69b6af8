"""Files through the API: handed in, looked at, started, read, taken back; everything exported by those who see all."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from taskhub.http.body import FILE_LIMIT
from taskhub.testing.drain import drain
from tests.api.client import Client, code
from tests.api.house import House

CSV = {"content-type": "text/csv"}
LEADS = "ID,Name,Company,Owner,Stage\n1,Ann,Roux,Rob,known\n2,Bob,Blanc,nobody,new\n3,=1+1,Vert,rob,new\n"


def hand_in(client: Client, text: str | bytes, noun: str = "leads", **query: str) -> Any:
    raw = text.encode() if isinstance(text, str) else text
    return client.post("/api/v1/imports", content=raw, headers=CSV, params={"noun": noun, **query})


def looked_at(house: House, persona: str, text: str, noun: str = "leads", **query: str) -> dict[str, Any]:
    """A file handed in, once it was looked at."""
    answer = hand_in(house.of(persona), text, noun, **query)
    assert answer.status_code == 202, answer.text
    drain(house.db)
    found: dict[str, Any] = house.of(persona).ok("GET", answer.json()["self"])
    assert found["state"] == "checked"
    return found


def test_the_way_of_a_file(any_house: House) -> None:
    lea = any_house.of("lea")
    said = lea.post("/api/v1/imports/proposal", content=LEADS.encode(), headers=CSV, params={"noun": "leads"}).json()
    assert said["mapping"]["columns"]["Owner"] == "owner"
    assert (said["encoding"], said["delimiter"], said["sample"][0]) == (
        "utf-8", ",", ["1", "Ann", "Roux", "Rob", "known"],
    )  # fmt: skip
    run = looked_at(any_house, "lea", LEADS, name="my leads.csv")
    assert (run["total"], run["new"], run["refused"], run["tasks"]) == (3, 2, {"unknown_owner": 1}, 2)
    assert lea.ok("GET", "/api/v1/leads")["items"] == []
    lea.ok("POST", f"{run['self']}/start", {})
    drain(any_house.db)
    ended = lea.ok("GET", run["self"])
    assert (ended["state"], ended["new"], ended["create_tasks"]) == ("ended", 2, False)
    assert {one["id"] for one in any_house.of("admin").ok("GET", "/api/v1/leads")["items"]} == {"1", "3"}
    refused = lea.ok("GET", f"{run['self']}/refused")["items"]
    assert [(one["line"], one["reason"], one["raw"]) for one in refused] == [
        (3, "unknown_owner", "2,Bob,Blanc,nobody,new")
    ]
    table = lea.get(f"{run['self']}/refused", params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert [row["line"] for row in csv.DictReader(io.StringIO(table.text))] == ["3"]
    lea.ok("POST", f"{run['self']}/undo")
    drain(any_house.db)
    assert lea.ok("GET", run["self"])["state"] == "undone"
    assert any_house.of("admin").ok("GET", "/api/v1/leads")["items"] == []
    assert [one["id"] for one in lea.ok("GET", "/api/v1/imports")["items"]] == [run["id"]]


def test_a_row_the_house_refuses_is_not_shown_as_good(house: House) -> None:
    run = looked_at(house, "admin", "Kind,Lead\ncontract,none\ncontract,\n", "tasks")
    assert run["refused"] == {"unknown_record": 1}
    assert [row.get("refused") for row in run["rows"]] == ["unknown_record", None]


def test_tasks_where_that_was_asked_for(house: House) -> None:
    run = looked_at(house, "admin", "Name\nAnn\nBob\n")
    assert run["tasks"] == 2
    house.of("admin").ok("POST", f"{run['self']}/start", {"create_tasks": True})
    drain(house.db)
    assert len(house.of("admin").ok("GET", "/api/v1/tasks")["items"]) == 2


def test_who_touched_it_is_said(house: House) -> None:
    run = looked_at(house, "admin", LEADS)
    house.of("admin").ok("POST", f"{run['self']}/start", {})
    drain(house.db)
    house.of("rob").ok("PATCH", "/api/v1/leads/1", {"version": 1, "company": "Other"})
    answer = house.of("admin").post(f"{run['self']}/undo")
    assert code(answer) == (409, "import_touched")
    assert answer.json()["touched"] == {"leads": 1}
    assert "gone on with 1 lead," in answer.json()["detail"]


def test_others_do_not_see_an_import(house: House) -> None:
    run = looked_at(house, "lea", LEADS)
    for persona in ("dora",):
        for path in ("", "/refused"):
            assert code(house.of(persona).get(run["self"] + path)) == (404, "not_found")
        for path, body in (("/start", {}), ("/undo", None)):
            assert code(house.of(persona).post(run["self"] + path, body)) == (404, "not_found")
        assert house.of(persona).ok("GET", "/api/v1/imports")["items"] == []
    for persona in ("zoe", "rob", "integration"):
        assert code(house.of(persona).get(run["self"]))[0] == 403
        assert code(hand_in(house.of(persona), LEADS))[0] == 403
    assert house.of("auditor").ok("GET", run["self"])["id"] == run["id"]
    assert code(house.of("auditor").post(f"{run['self']}/start", {})) == (403, "forbidden")


def test_a_manager_gives_no_work_of_other_departments(house: House) -> None:
    text = "Kind,Owner\ncontract,zoe\ncustoms,far\ncustoms,\n"
    run = looked_at(house, "lea", text, "tasks")
    assert (run["new"], run["refused"]) == (2, {"forbidden": 1})
    assert looked_at(house, "admin", text + "contract,abe\n", "tasks")["new"] == 4


BAD: list[tuple[bytes, dict[str, str], dict[str, str], tuple[int, str]]] = [
    (b"", {}, CSV, (422, "empty_file")),
    (b"a,a\n1,2\n", {}, CSV, (422, "header_twice")),
    (b"Colour\nx\n", {}, CSV, (422, "mapping_invalid")),
    (",".join(f"c{n}" for n in range(5_000)).encode(), {}, CSV, (422, "too_many_columns")),
    (b"x" * 300_000, {}, CSV, (422, "no_header")),
    (b"Name\nx\n", {"encoding": "klingon"}, CSV, (422, "unknown_encoding")),
    (b"Name\nx\n", {"delimiter": "slash"}, CSV, (422, "unknown_delimiter")),
    (b"Name\nx\n", {"mapping": "none"}, CSV, (422, "unknown_mapping")),
    (b"Name\nx\n", {"noun": "dogs"}, CSV, (422, "invalid_input")),
    (b"Name\nx\n", {"name": "a\ud800".encode("utf-8", "replace").decode()}, CSV, (202, "")),
    (b"Name\nx\n", {"colour": "red"}, CSV, (422, "invalid_input")),
    (b"Name\nx\n", {}, {"content-type": "application/json"}, (415, "unsupported_media_type")),
    (b"Name\nx\n", {}, {}, (415, "unsupported_media_type")),
    (b"Name,b\n" + b'a","b\n' * 60_000, {"delimiter": "comma"}, CSV, (422, "broken_file")),
]


@pytest.mark.parametrize(("raw", "query", "head", "said"), BAD)
def test_what_is_no_file_is_told(
    still_house: House, raw: bytes, query: dict[str, str], head: dict[str, str], said: tuple[int, str]
) -> None:
    answer = still_house.of("admin").post(
        "/api/v1/imports", content=raw, headers=head, params={"noun": "leads", **query}
    )
    assert (answer.status_code, answer.json().get("code", "")) == said, answer.text


def test_a_file_has_a_most_and_other_bodies_keep_theirs(still_house: House) -> None:
    admin = still_house.of("admin")
    assert code(hand_in(admin, b"x" * (FILE_LIMIT + 1))) == (413, "too_large")
    big = {"create_tasks": False, "x": "y" * 300_000}
    assert code(admin.post("/api/v1/imports/none/start", big)) == (413, "too_large")


def test_the_same_call_twice_is_one_import(house: House) -> None:
    admin = house.of("admin")
    head = {**CSV, "idempotency-key": "k1"}
    first, second = (
        admin.post("/api/v1/imports", content=LEADS.encode(), headers=head, params={"noun": "leads"}) for _ in "ab"
    )
    assert first.json() == second.json()
    other = admin.post("/api/v1/imports", content=b"Name\nx\n", headers=head, params={"noun": "leads"})
    assert code(other) == (422, "idempotency_key_reused")


def test_mappings_are_saved_listed_and_used(house: House) -> None:
    lea = house.of("lea")
    body = {"columns": {"A": "name", "B": ["company", "fields.was"]}, "constants": {"owner": "rob"}}
    saved = lea.put("/api/v1/imports/mappings/leads/mine", body)
    assert saved.status_code == 200, saved.text
    run = looked_at(house, "lea", "A;B\nAnn;Roux\n", mapping="mine")
    assert run["rows"][0] | {"id": ""} == {
        "line": 2, "id": "", "name": "Ann", "company": "Roux", "was": "Roux", "owner": "rob", "pipeline": "leads",
        "stage": "new", "status": "open", "created_at": run["rows"][0]["created_at"],
    }  # fmt: skip
    assert [one["name"] for one in lea.ok("GET", "/api/v1/imports/mappings?noun=leads")["items"]] == ["mine"]
    assert lea.ok("GET", "/api/v1/imports/mappings?noun=tasks")["items"] == []
    for wrong in ({"columns": {"A": "nme"}}, {"columns": {"A": "fields.x"}}, {"columns": {}}):
        assert code(lea.put("/api/v1/imports/mappings/leads/mine", wrong)) == (422, "mapping_invalid")
    assert code(lea.put("/api/v1/imports/mappings/leads/No%20Name", body)) == (422, "bad_name")


def test_everything_is_exported_to_who_sees_everything(any_house: House) -> None:
    any_house.of("rob").ok("POST", "/api/v1/leads", {"name": "=Ann", "company": "Röux"})
    any_house.task("contract")
    for persona in ("admin", "auditor"):
        answer = any_house.of(persona).get("/api/v1/exports/leads")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv")
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["name"], row["company"], row["owner"]) == ("'=Ann", "Röux", "rob")
    lines = any_house.of("admin").get("/api/v1/exports/tasks", params={"format": "jsonl"}).text.splitlines()
    assert len(lines) == 1
    archive = any_house.of("admin").get("/api/v1/exports")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert "events.csv" in opened.namelist()
        told = b"".join(opened.read(name) for name in opened.namelist())
    for key in any_house.keys.values():
        assert key.rpartition("_")[2].encode() not in told
    for persona in ("lea", "zoe", "rob", "integration"):
        assert code(any_house.of(persona).get("/api/v1/exports/leads")) == (403, "forbidden")
    assert code(any_house.of("admin").get("/api/v1/exports/leds")) == (422, "unknown_noun")
    assert code(any_house.client.as_(None).get("/api/v1/exports")) == (401, "unauthenticated")
