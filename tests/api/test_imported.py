"""What an import must not do: open what its importer may not see, hide from search, take away what people wrote."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from taskhub.db.tables_notes import note_on
from taskhub.db.tables_search import search_entry, search_word
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House
from tests.api.test_imports import looked_at
from tests.api.test_merges import ANN, made, merged, two
from tests.api.test_search import ids, search

API = "/api/v1"


def bring(house: House, who: str, text: str, noun: str = "leads") -> dict[str, Any]:
    run = looked_at(house, who, text, noun)
    house.of(who).ok("POST", f"{run['self']}/start", {})
    drain(house.db)
    found: dict[str, Any] = house.of(who).ok("GET", run["self"])
    return found


def take_back(house: House, run: dict[str, Any], who: str = "admin") -> None:
    house.of(who).ok("POST", f"{run['self']}/undo")
    drain(house.db)


@pytest.mark.parametrize(
    ("noun", "row"),
    [
        ("tasks", "ID,Kind,Title,Lead,State\nt1,contract,Hello,{},queued\n"),
        ("tasks", "ID,Kind,Title,File,State\nt1,contract,Hello,{},queued\n"),
        ("deals", "ID,Name,Lead,Owner\nd9,Deal,{},lea\n"),
    ],
)
def test_a_row_names_no_record_its_importer_may_not_see(any_house: House, noun: str, row: str) -> None:
    lead = made(any_house, **ANN)
    run = bring(any_house, "lea", row.format(lead), noun)
    assert (run["new"], run["refused"]) == (0, {"unknown_record": 1})
    assert code(any_house.of("lea").get(f"{API}/leads/{lead}"))[0] == 404
    assert bring(any_house, "admin", row.format(lead), noun)["new"] == 1


def test_an_account_by_its_id_neither_and_nobody_is_told_of_doubles(house: House) -> None:
    account = made(house, "account", name="Acme")
    run = bring(house, "lea", f"ID,Name,Account ID,Owner\nd9,Deal,{account},lea\n", "deals")
    assert run["refused"] == {"unknown_record": 1}
    made(house, **ANN)
    rows = f"ID,Name,Company,Email\nx1,{ANN['name']},{ANN['company']},ann@roux.example\n"
    assert looked_at(house, "lea", rows)["doubles"] == []
    assert len(looked_at(house, "admin", rows)["doubles"]) == 1


def test_what_one_brought_in_opens_nothing_later_and_comes_in_once(any_house: House) -> None:
    admin, lea = any_house.of("admin"), any_house.of("lea")
    lead = admin.ok("POST", f"{API}/leads", {"name": "Ann", "owner": "lea"})["id"]
    row = f"ID,Kind,Title,Lead,State\nt1,contract,Hello,{lead},queued\n"
    assert bring(any_house, "lea", row, "tasks")["new"] == 1
    assert bring(any_house, "admin", row, "tasks")["known"] == 1
    version = admin.ok("GET", f"{API}/leads/{lead}")["version"]
    admin.ok("PATCH", f"{API}/leads/{lead}", {"version": version, "owner": "rob"})
    drain(any_house.db)
    assert code(lea.get(f"{API}/leads/{lead}"))[0] == 404
    assert [one["noun"] for one in search(any_house, "ann", "lea") if one["noun"] == "lead"] == []


def test_a_file_of_ones_own_work_goes_on(house: House) -> None:
    row = "ID,Kind,Title,File,State\n{},billing,Hello,case 7,queued\n"
    assert bring(house, "lea", row.format("t1"), "tasks")["new"] == 1
    assert bring(house, "lea", row.format("t2"), "tasks")["new"] == 1


def test_search_knows_what_came_and_what_went(any_house: House) -> None:
    run = bring(any_house, "admin", "ID,Name,Company,Owner\nx1,Annabel Quux,Roux,rob\n")
    assert ids(any_house, "quux") == ["x1"]
    take_back(any_house, run)
    with any_house.db.read() as tx:
        assert tx.conn.execute(select(search_entry.c.record).where(search_entry.c.record == "lead:x1")).all() == []
        assert tx.conn.execute(select(search_word.c.word).where(search_word.c.record == "lead:x1")).all() == []
    bring(any_house, "admin", "ID,Name,Company,Owner\nx1,Annabel Quux,Roux,lea\n")
    assert ids(any_house, "quux") == []


def test_a_note_keeps_what_it_hangs_on(any_house: House) -> None:
    run = bring(any_house, "admin", "ID,Name,Owner\nx1,Annabel,rob\n")
    rob = any_house.of("rob")
    note = rob.ok("POST", f"{API}/leads/x1/notes", {"text": "precious"})["id"]
    assert code(any_house.of("admin").post(f"{run['self']}/undo")) == (409, "import_touched")
    gone = rob.ok("DELETE", f"{API}/notes/{note}")
    take_back(any_house, run)
    bring(any_house, "admin", "ID,Name,Owner\nx1,Somebody else,ria\n")
    rob.post(f"{API}/acts/{gone['act']}/undo")
    assert any_house.of("ria").ok("GET", f"{API}/leads/x1/notes")["items"] == []
    with any_house.db.read() as tx:
        assert tx.conn.execute(select(note_on.c.note).where(note_on.c.record == "lead:x1")).all() == []


def test_a_cursor_of_odd_digits_is_refused(house: House) -> None:
    run = looked_at(house, "lea", "Name,Owner\nA,nobody\n")
    cursor = base64.urlsafe_b64encode(orjson.dumps(["²"])).decode().rstrip("=")
    answer = house.of("lea").get(f"{run['self']}/refused", params={"cursor": cursor})
    assert code(answer) == (422, "bad_cursor")


def test_what_was_merged_away_is_meant_where_it_is_now(any_house: House) -> None:
    stays, gone = two(any_house)
    merged(any_house, stays, gone)
    one, other = (made(any_house, "account", name=name) for name in ("Acme One", "Acme Two"))
    merged(any_house, one, other, noun="account")
    drain(any_house.db)
    bring(any_house, "admin", f"ID,Kind,Title,Lead,State\nt1,contract,Imported,{gone},queued\n", "tasks")
    bring(any_house, "admin", f"ID,Name,Account ID,Lead,Owner\nd1,Deal,{other},{gone},rob\n", "deals")
    admin = any_house.of("admin")
    deal = admin.ok("GET", f"{API}/deals/d1")
    assert (deal["account"], deal["lead"]) == (one, stays)
    tasks = admin.ok("GET", f"{API}/tasks")["items"]
    assert [task["lead"] for task in tasks if task["title"] == "Imported"] == [stays]


def test_nobody_waits_for_an_answer_to_no_question(house: House) -> None:
    head = "ID,Kind,Title,Owner,State,Waiting reason"
    bring(house, "admin", f"{head}\nt1,contract,Hello,zoe,paused,waiting_rep\n", "tasks")
    (task,) = house.of("admin").ok("GET", f"{API}/tasks")["items"]
    assert (task["state"], task["paused"]["reason"]) == ("paused", "set_aside")


def test_notes_questions_and_merges_are_exported(any_house: House) -> None:
    stays, gone = two(any_house)
    any_house.of("rob").ok("POST", f"{API}/leads/{stays}/notes", {"text": "precious"})
    merge = merged(any_house, stays, gone)["merges"][0]
    drain(any_house.db)

    def exported(noun: str) -> list[dict[str, Any]]:
        answer = any_house.of("admin").get(f"{API}/exports/{noun}", params={"format": "jsonl"})
        return [orjson.loads(line) for line in answer.text.splitlines()]

    assert [(row["text"], row["on"]) for row in exported("notes")] == [("precious", f"lead:{stays}")]
    assert [(row["id"], row["gone"], row["stays"]) for row in exported("merges")] == [
        (merge, f"lead:{gone}", f"lead:{stays}")
    ]
    assert {row["id"]: row["merged_into"] for row in exported("leads")} == {stays: None, gone: stays}
    assert exported("questions") == []
    table = any_house.of("admin").get(f"{API}/exports/leads").text
    assert looked_at(any_house, "admin", table)["refused"] == {"not_open": 1}
