"""Notes and links: written, read, rewritten and removed; seen with what they hang on; carried along by a conversion."""

from __future__ import annotations

from typing import Any

import pytest

from taskhub.db.tx import SYSTEM
from taskhub.notes import service as notes
from taskhub.notes.links import checked
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

API = "/api/v1"
# composed and not, right to left, markup, ends of lines and spaces around: all of it is somebody's text
TEXT = "  Réunion\u0301 & <script>alert(1)</script>\r\n\u202eעברית \t=1+1 🙂\n"


def lead(house: House, who: str = "rob", **more: Any) -> str:
    made = house.of(who).ok("POST", f"{API}/leads", {"name": "Ann Roux", "company": "Atelier Roux", **more})
    return str(made["id"])


def write(house: House, on: str, text: str = TEXT, who: str = "rob") -> dict[str, Any]:
    return dict(house.of(who).ok("POST", f"{API}/{on}/notes", {"text": text}))


def listed(house: House, on: str, who: str = "rob") -> list[dict[str, Any]]:
    return list(house.of(who).ok("GET", f"{API}/{on}/notes")["items"])


@pytest.mark.parametrize("noun", ["leads", "deals", "accounts", "contacts", "tasks"])
def test_a_note_is_kept_exactly_and_listed_with_its_object(any_house: House, noun: str) -> None:
    if noun == "tasks":
        id_ = any_house.of("rob").ok("POST", f"{API}/tasks", {"kind": "contract", "title": "x"})["task"]["id"]
    else:
        id_ = any_house.of("rob").ok("POST", f"{API}/{noun}", {"name": "Ann"})["id"]
    made = write(any_house, f"{noun}/{id_}")
    assert (made["text"], made["by"], made["by_name"], made["version"]) == (TEXT, "agent:rob", "Rob", 1)
    any_house.of("rob").ok("POST", f"{API}/{noun}/{id_}/links", {"url": "https://x.example/a?b=1", "title": "Offer"})
    link, note = listed(any_house, f"{noun}/{id_}")
    assert note == made
    assert (link["kind"], link["title"], link["url"]) == ("link", "Offer", "https://x.example/a?b=1")
    assert note["on"] == [f"{noun.removesuffix('s')}:{id_}"]


def test_its_author_rewrites_it_and_history_keeps_what_it_said(any_house: House) -> None:
    made = write(any_house, f"leads/{lead(any_house)}", "first")
    rob, path = any_house.of("rob"), f"{API}/notes/{made['id']}"
    assert rob.ok("PATCH", path, {"version": 1, "text": "second"})["version"] == 2
    assert code(rob.patch(path, {"version": 1, "text": "third"})) == (409, "version_clash")
    assert code(any_house.of("ria").patch(path, {"version": 2, "text": "no"})) == (403, "not_the_author")
    assert code(any_house.of("admin").patch(path, {"version": 2, "text": "no"})) == (403, "not_the_author")
    told = rob.ok("GET", f"{path}/history")["items"]
    assert [(row["act"], row["by"]) for row in told] == [("add", "agent:rob"), ("change", "agent:rob")]
    assert told[1]["change"] == {"text": ["first", "second"]}
    (act,) = [one for one in rob.ok("GET", f"{API}/acts")["items"] if one["kind"] == "note.change"]
    rob.ok("POST", f"{API}/acts/{act['id']}/undo")
    assert rob.ok("GET", path)["text"] == "first"


def test_what_was_removed_is_gone_until_that_is_undone(any_house: House) -> None:
    id_ = lead(any_house)
    made = write(any_house, f"leads/{id_}")
    rob, path = any_house.of("rob"), f"{API}/notes/{made['id']}"
    assert code(any_house.of("ria").delete(path)) == (403, "not_the_author")
    assert code(rob.delete(f"{path}?version=7")) == (409, "version_clash")
    gone = rob.ok("DELETE", path)
    assert listed(any_house, f"leads/{id_}") == []
    for call in (rob.get(path), rob.delete(path), rob.patch(path, {"version": 2, "text": "x"})):
        assert code(call) == (404, "not_found")
    rob.ok("POST", f"{API}/acts/{gone['act']}/undo")
    assert [one["text"] for one in listed(any_house, f"leads/{id_}")] == [TEXT]
    assert any_house.of("admin").ok("DELETE", path)["removed"] == made["id"]


def test_adding_is_undone_and_repeated_calls_add_once(any_house: House) -> None:
    id_ = lead(any_house)
    rob = any_house.of("rob")
    for _ in range(2):
        rob.ok("POST", f"{API}/leads/{id_}/notes", {"text": "once"}, headers={"Idempotency-Key": "one"})
    assert len(listed(any_house, f"leads/{id_}")) == 1
    (act,) = [one for one in rob.ok("GET", f"{API}/acts")["items"] if one["kind"] == "note.add"]
    rob.ok("POST", f"{API}/acts/{act['id']}/undo")
    assert listed(any_house, f"leads/{id_}") == []


def test_who_does_not_see_the_object_does_not_see_the_note(house: House) -> None:
    id_ = lead(house)
    made = write(house, f"leads/{id_}")
    for who in ("zoe", "yan", "lea"):
        stranger = house.of(who)
        for call in (
            stranger.get(f"{API}/leads/{id_}/notes"), stranger.post(f"{API}/leads/{id_}/notes", {"text": "x"}),
            stranger.get(f"{API}/notes/{made['id']}"), stranger.get(f"{API}/notes/{made['id']}/history"),
            stranger.patch(f"{API}/notes/{made['id']}", {"version": 1, "text": "x"}),
            stranger.delete(f"{API}/notes/{made['id']}"),
        ):  # fmt: skip
            assert code(call) == (404, "not_found")
    assert [one["id"] for one in listed(house, f"leads/{id_}", "ria")] == [made["id"]]
    assert house.of("auditor").ok("GET", f"{API}/notes/{made['id']}")["text"] == TEXT


def test_a_conversion_carries_notes_along_and_its_undo_takes_them_back(any_house: House) -> None:
    id_ = lead(any_house)
    early = write(any_house, f"leads/{id_}", "early")
    gone = write(any_house, f"leads/{id_}", "gone")
    rob = any_house.of("rob")
    rob.ok("DELETE", f"{API}/notes/{gone['id']}")
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    write(any_house, f"deals/{deal}", "late")
    drain(any_house.db)
    assert [one["text"] for one in listed(any_house, f"deals/{deal}")] == ["late", "early"]
    assert [one["text"] for one in rob.ok("GET", f"{API}/deals/{deal}/file")["notes"]] == ["late", "early"]
    assert rob.ok("GET", f"{API}/notes/{early['id']}")["on"] == [f"deal:{deal}", f"lead:{id_}"]
    task, _ = any_house.taken("zoe")
    assert [one["text"] for one in listed(any_house, f"tasks/{task}", "zoe")] == ["late", "early"]
    assert code(any_house.of("yan").get(f"{API}/tasks/{task}/notes")) == (404, "not_found")
    any_house.of("zoe").ok("POST", f"{API}/tasks/{task}/release", {"reason": "x", "lease_token": _token(any_house)})


def test_an_undone_conversion_leaves_the_lead_its_notes(any_house: House) -> None:
    id_ = lead(any_house)
    write(any_house, f"leads/{id_}", "early")
    rob = any_house.of("rob")
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    assert len(listed(any_house, f"deals/{deal}")) == 1
    rob.ok("POST", f"{API}/leads/{id_}/undo-conversion")
    assert listed(any_house, f"deals/{deal}") == []
    assert [(one["text"], one["on"]) for one in listed(any_house, f"leads/{id_}")] == [("early", [f"lead:{id_}"])]
    again = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    assert len(listed(any_house, f"deals/{again}")) == 1


def test_lists_are_paged_newest_first(house: House) -> None:
    id_ = lead(house)
    for number in range(5):
        write(house, f"leads/{id_}", str(number))
    rob, found, cursor = house.of("rob"), [], ""
    while True:
        page = rob.ok("GET", f"{API}/leads/{id_}/notes?limit=2{cursor}")
        found += [one["text"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == ["4", "3", "2", "1", "0"]


def test_bad_texts_are_refused_by_name(house: House) -> None:
    id_ = lead(house)
    rob, path = house.of("rob"), f"{API}/leads/{id_}"
    for text in ("", " \n\u00a0", "x" * 20_001):
        answer = rob.post(f"{path}/notes", {"text": text})
        assert code(answer) == (422, "invalid_input")
        assert answer.json()["errors"][0]["path"] == "text"
    assert code(rob.post(f"{path}/notes", {"text": "x" * 300_000}))[0] == 413
    raw = {"content": b'{"text": "a\\u0000b"}', "headers": {"content-type": "application/json"}}
    assert code(rob.post(f"{path}/notes", **raw)) == (422, "bad_text")
    raw["content"] = b'{"text": "a\\ud800b"}'
    assert code(rob.post(f"{path}/notes", **raw)) == (422, "bad_text")
    assert code(rob.post(f"{path}/notes", {"text": 7})) == (422, "invalid_input")
    assert code(rob.post(f"{path}/notes", {"text": "x", "by": "ria"})) == (422, "invalid_input")
    rob.ok("POST", f"{path}/notes", {"text": "x" * 20_000})
    made = rob.ok("POST", f"{path}/links", {"url": "http://x.example", "title": "t"})
    for body in ({"text": "x"}, {"url": None}, {"title": None}, {"title": ""}, {"url": "ftp://x.example"}):
        answer = rob.patch(f"{API}/notes/{made['id']}", {"version": 1, **body})
        assert code(answer) == (422, "invalid_input")
    assert rob.ok("PATCH", f"{API}/notes/{made['id']}", {"version": 1, "title": "u"})["title"] == "u"
    assert code(rob.get(f"{API}/notes/{2**70}")) == (404, "not_found")
    assert code(rob.get(f"{API}/leads/{id_}/notes?cursor=x")) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:/etc/passwd", "//x.example",
        "http:x.example", "http:/x.example", "https://", "https://:80/", "https://...", "https://ann@x.example/",
        "https://ann:pw@x.example/", "https://x.example\\@evil.example/", "https://x.example/a b",
        "https://x.example/\u202e", "https://x.example:99999/", "https://[::1", " https://x.example",
        "https://x.example/\t", 'https://x.example/"onclick=', "x" * 30, "", "https://x.example/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_links_that_are_none(house: House, url: str) -> None:
    assert checked(url)
    answer = house.of("rob").post(f"{API}/leads/{lead(house)}/links", {"url": url, "title": "x"})
    assert code(answer) == (422, "invalid_input")
    assert answer.json()["errors"][0]["path"] == "url"


@pytest.mark.parametrize(
    "url", ["https://x.example", "HTTP://X.example:8080/a?b=c@d#e", "https://müller.example/é", "https://[::1]:80/"]
)
def test_links_of_the_web(url: str) -> None:
    assert checked(url) is None


def test_a_deleted_record_takes_no_notes(house: House) -> None:
    id_ = lead(house)
    rob = house.of("rob")
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    rob.ok("POST", f"{API}/leads/{id_}/undo-conversion")
    assert code(rob.post(f"{API}/deals/{deal}/notes", {"text": "x"})) == (409, "record_deleted")


def _token(house: House) -> int:
    from sqlalchemy import select

    from taskhub.db.tables import lease

    with house.db.read() as tx:
        return int(tx.conn.execute(select(lease.c.token)).scalar_one())


def test_what_was_written_on_the_deal_is_read_with_the_lead_once_the_conversion_is_undone(any_house: House) -> None:
    id_ = lead(any_house)
    rob = any_house.of("rob")
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    write(any_house, f"deals/{deal}", "VAT number FR12")
    rob.ok("POST", f"{API}/leads/{id_}/undo-conversion")
    assert [one["text"] for one in listed(any_house, f"leads/{id_}")] == ["VAT number FR12"]


def test_a_note_removed_before_a_conversion_and_brought_back_afterwards_is_on_the_deal(any_house: House) -> None:
    id_ = lead(any_house)
    made, rob = write(any_house, f"leads/{id_}", "first"), any_house.of("rob")
    gone = rob.ok("DELETE", f"{API}/notes/{made['id']}")
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    assert listed(any_house, f"deals/{deal}") == []
    rob.ok("POST", f"{API}/acts/{gone['act']}/undo")
    assert [one["text"] for one in listed(any_house, f"deals/{deal}")] == ["first"]


def test_who_sees_the_record_no_more_takes_nothing_back_of_its_notes(house: House) -> None:
    id_ = lead(house)
    note, rob = write(house, f"leads/{id_}", "first")["id"], house.of("rob")
    rob.ok("PATCH", f"{API}/notes/{note}", {"version": 1, "text": "second"})
    house.of("admin").ok("PATCH", f"{API}/leads/{id_}", {"version": 1, "owner": "lea"})
    drain(house.db)
    (act,) = [one for one in rob.ok("GET", f"{API}/acts")["items"] if one["kind"] == "note.change"]
    assert code(rob.post(f"{API}/acts/{act['id']}/undo")) == (404, "not_found")
    assert house.of("admin").ok("GET", f"{API}/notes/{note}")["text"] == "second"


def test_a_merge_takes_notes_along_and_its_undo_gives_them_back(any_house: House) -> None:
    rob, stays = any_house.of("rob"), lead(any_house)
    gone = [lead(any_house), lead(any_house)]
    write(any_house, f"leads/{gone[0]}", "after six")
    with any_house.db.begin(SYSTEM) as tx:  # as after merges and conversions before
        notes.carry(tx, f"lead:{gone[0]}", f"lead:{gone[1]}", "before")
    ids = []
    for one in gone:
        foreseen = rob.ok("POST", f"{API}/leads/{stays}/merge/preview", {"gone": [one]})
        body = {"gone": [one], "versions": foreseen["versions"]}
        ids += rob.ok("POST", f"{API}/leads/{stays}/merge", body)["merges"]
    drain(any_house.db)
    assert [one["text"] for one in listed(any_house, f"leads/{stays}")] == ["after six"]
    for one, left in zip(ids, (["after six"], []), strict=True):
        rob.ok("POST", f"{API}/merges/{one}/undo")
        assert [found["text"] for found in listed(any_house, f"leads/{stays}")] == left
    assert [one["text"] for one in listed(any_house, f"leads/{gone[0]}")] == ["after six"]


def test_notes_of_a_task_and_its_lead_are_paged_each_once(any_house: House) -> None:
    id_ = lead(any_house)
    rob = any_house.of("rob")
    made = rob.ok("POST", f"{API}/tasks", {"kind": "contract", "title": "x", "lead": id_})["task"]["id"]
    for number in range(4):
        on = f"leads/{id_}" if number % 2 else f"tasks/{made}"
        note = write(any_house, on, str(number))
    with any_house.db.begin(SYSTEM) as tx:
        notes.carry(tx, f"lead:{id_}", f"task:{made}", "twice")
    found, cursor = [], ""
    while cursor is not None:
        page = rob.ok("GET", f"{API}/tasks/{made}/notes?limit=3{cursor}")
        found += [one["text"] for one in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == ["3", "2", "1", "0"]
    assert note["on"] == [f"lead:{id_}"]
