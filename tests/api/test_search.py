"""Search by API: what is found, in which order, by whom; kept with each change; filled in for what was there before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from taskhub.db.tables_search import search_entry, search_fill, search_part, search_word
from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.sales.search import filling, queries, service
from taskhub.sales.search.scope import EVERYTHING
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House, policies

API = "/api/v1"


def search(house: House, q: str, who: str = "rob", **more: Any) -> list[dict[str, Any]]:
    return list(house.of(who).ok("GET", f"{API}/search", params={"q": q, **more})["items"])


def ids(house: House, q: str, who: str = "rob", **more: Any) -> list[str]:
    return [one["id"] for one in search(house, q, who, **more)]


def lead(house: House, who: str = "rob", **more: Any) -> str:
    given = {"name": "Ann Éloïse Roux", "company": "Atelier Roux", "email": "ann@mueller.example", **more}
    return str(house.of(who).ok("POST", f"{API}/leads", given)["id"])


def test_words_in_any_order_parts_addresses_numbers_and_ids(any_house: House) -> None:
    id_ = lead(any_house, phone="+33 6 12 34 56 78", fields={"order_no": "PO-2024/0017"})
    lead(any_house, name="Bob Durand", company="Durand SA", email="bob@durand.example")
    for q in ("roux ann", "eloise", "ELOÏSE", "ateli", "elier", "ann@mueller.example", "mueller", "6 12 34 56 78",
              "33612345678", "345678", "2024/0017", "20240017", id_, id_[:12], f"lead:{id_}"):  # fmt: skip
        assert ids(any_house, q) == [id_], q
    for q in ("roux durand", "nothing", "oux x"):
        assert ids(any_house, q) == []
    (one,) = search(any_house, "eloise 20240017")
    assert one["matched"] == [
        {"field": "name", "snippet": "Ann Éloïse Roux"}, {"field": "order_no", "snippet": "PO-2024/0017"},
    ]  # fmt: skip
    assert (one["noun"], one["owner"], one["status"]) == ("lead", "rob", "open")


def test_a_telephone_number_is_what_was_matched_however_it_was_written(house: House) -> None:
    house.follow(replace(policies(), hash="with a region", duplicates=DuplicatePolicy("FR")))
    id_ = lead(house, phone="0612345999")
    for q in ("+33612345999", "0033 6 12 34 59 99", "0612345999"):
        assert [one["matched"] for one in search(house, q)] == [[{"field": "phone", "snippet": "0612345999"}]], q
    assert search(house, id_)[0]["matched"] == [{"field": "id", "snippet": id_}]


def test_it_follows_every_change(any_house: House) -> None:
    id_ = lead(any_house)
    rob = any_house.of("rob")
    rob.ok("PATCH", f"{API}/leads/{id_}", {"version": 1, "name": "Eva Lang", "company": "Lang GmbH", "email": None})
    assert (ids(any_house, "roux"), ids(any_house, "lang gmbh")) == ([], [id_])
    deal = rob.ok("POST", f"{API}/leads/{id_}/convert", {"deal": {}})["deal"]["id"]
    drain(any_house.db)
    assert set(ids(any_house, "lang", noun="deal")) == {deal}
    (task,) = [one for one in search(any_house, "agreement lang", "zoe") if one["noun"] == "task"]
    assert (task["title"], task["state"]) == ("Agreement with Lang GmbH", "queued")
    rob.ok("POST", f"{API}/leads/{id_}/undo-conversion")
    assert ids(any_house, "lang", noun="deal") == []
    made = any_house.task("contract", title="Unmistakable", data={"po": "Z-99"})
    any_house.of("lea").ok("PATCH", f"{API}/tasks/{made}", {"version": 1, "data": {"po": "Q-11"}})
    assert (ids(any_house, "z-99 unmistak", "lea"), ids(any_house, "q-11", "lea")) == ([], [made])


def test_the_best_stands_first_and_pages_follow(any_house: House) -> None:
    part = lead(any_house, name="Garouxel", company="x", email=None)
    begins = lead(any_house, name="Rouxel", company="x", email=None)
    exact = lead(any_house, name="Roux Bert", company="x", email=None)
    whole = lead(any_house, name="Roux", company=None, email=None)
    assert ids(any_house, "roux") == [whole, exact, begins, part]
    found, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = any_house.of("rob").ok("GET", f"{API}/search", params={"q": "roux", "limit": 1, **more})
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (found, page["complete"]) == ([whole, exact, begins, part], True)


@pytest.fixture(scope="module")
def crowded(any_still_house: House) -> House:
    """Records of everybody, tasks of every queue, one of them about a record of somebody else's."""
    house = any_still_house
    owners = ("rob", "ria", "zoe", "abe", "yan", "far", None)
    from taskhub.events import service as events
    from taskhub.sales import service as sales

    for noun in ("lead", "deal", "account", "contact"):
        for owner in owners:
            id_ = f"{noun}-{owner}"
            said = {"id": id_, "name": "Findable Person", **({"owner": owner} if owner else {})}
            sent = {"specversion": "1.0", "id": id_, "source": "s", "type": f"{noun}.updated", "data": {noun: said}}
            house.of("admin").ok("POST", f"{API}/events", sent)
    with house.db.begin() as tx:
        for one in events.find(tx, {}, None, 100)[0]:
            assert one.event
            sales.apply(tx, one.event)
    for kind, about in (("contract", "lead-rob"), ("billing", "deal-rob"), ("customs", "lead-None")):
        noun = about.partition("-")[0]
        house.of("admin").ok("POST", f"{API}/tasks", {"kind": kind, "title": f"Findable {kind}", noun: about})
    house.of("rob").ok("POST", f"{API}/tasks", {"kind": "billing", "title": "Findable asked", "lead": "lead-ria"})
    house.of("zoe").ok("POST", f"{API}/tasks", {"kind": "contract", "title": "Findable own", "lead": "lead-yan"})
    return house


PEOPLE = ("zoe", "abe", "yan", "far", "lea", "dora", "rob", "ria", "admin", "auditor")


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_finds_exactly_what_they_may_look_at(crowded: House, who: str) -> None:
    with crowded.db.read() as tx:
        everything = [row.record for row in tx.conn.execute(select(search_entry.c.record))]
    assert len(everything) == 33
    client, shown = crowded.of(who), set()
    for record in everything:
        noun, _, id_ = record.partition(":")
        if client.get(f"{API}/{noun}s/{id_}").status_code == 200:
            shown.add(record)
    found = {f"{one['noun']}:{one['id']}" for one in search(crowded, "findable", who, limit=50)}
    assert found == shown
    for record in everything:
        assert (search(crowded, record, who) != []) == (record in shown), record


def test_consult_and_take_over_a_colleagues_lead(any_house: House) -> None:
    """Ria looks for a customer, reads the lead, its history and notes, and takes it over; Rob is told."""
    id_ = lead(any_house)
    any_house.of("rob").ok("POST", f"{API}/leads/{id_}/notes", {"text": "Calls back on Monday"})
    ria = any_house.of("ria")
    (one,) = search(any_house, "atelier", "ria")
    assert (one["id"], one["owner"]) == (id_, "rob")
    assert ria.ok("GET", f"{API}/leads/{id_}")["name"] == "Ann Éloïse Roux"
    assert [row["act"] for row in ria.ok("GET", f"{API}/leads/{id_}/history")["items"]] == ["create"]
    assert ria.ok("GET", f"{API}/leads/{id_}/notes")["items"][0]["text"] == "Calls back on Monday"
    assert code(ria.patch(f"{API}/leads/{id_}", {"version": 1, "name": "x"})) == (403, "forbidden")
    assert search(any_house, "atelier", "zoe") == []
    drain(any_house.db)  # a rule has somebody abroad call them
    assert [one["noun"] for one in search(any_house, "atelier", "far")] == ["lead"]
    assert ria.ok("POST", f"{API}/leads/{id_}/take-over")["owner"] == "ria"
    (one,) = search(any_house, "atelier", "rob")
    assert one["owner"] == "ria"
    assert any_house.of("rob").ok("GET", f"{API}/me/notifications")["items"][0]["topic"] == "taken_over"


def test_bad_searches(still_house: House) -> None:
    rob = still_house.of("rob")
    for q in ("", " ", "!?", "x" * 201, "a b c d e f g h i j k"):
        assert code(rob.get(f"{API}/search", params={"q": q}))[0] == 422, q
    assert code(rob.get(f"{API}/search")) == (422, "invalid_input")
    assert code(rob.get(f"{API}/search?q=%00x")) == (422, "bad_text")
    for raw in ("%ED%A0%80x", "%ff%fe", "%F0%9F"):  # half a surrogate pair, bytes of nothing
        assert rob.get(f"{API}/search?q={raw}").status_code in (200, 422)
    assert code(rob.get(f"{API}/search?q=x&noun=leads")) == (422, "invalid_input")
    for cursor in ("x", "WyJhIl0", "WyJuYW4iLCJuYW4iLCJ4Il0"):
        assert code(rob.get(f"{API}/search?q=x&cursor={cursor}")) == (422, "bad_cursor")
    for q in ("%", "_", "%%%abc", "'; drop table task", "\\", "a%' OR 1=1", "🙂x", "(((", "9" * 200, "#1"):
        answer = rob.get(f"{API}/search", params={"q": q})
        assert answer.status_code in (200, 422), answer.text


def test_what_was_there_before_is_filled_in(any_house: House) -> None:
    id_ = lead(any_house)
    made = any_house.task("contract", title="Agreement with Roux")
    with any_house.db.begin() as tx:
        for table in (search_entry, search_word, search_part, search_fill):
            tx.conn.execute(delete(table))
    assert ids(any_house, "roux", "admin") == []
    for _ in range(20):
        with any_house.db.begin() as tx:
            if not filling.fill(tx):
                break
    assert set(ids(any_house, "roux", "admin")) == {id_, made}
    assert set(ids(any_house, "oux", "admin")) == {id_, made}
    with any_house.db.begin() as tx:
        passes = dict(tx.conn.execute(select(search_fill.c.noun, search_fill.c.passes)).all())
        assert passes == dict.fromkeys(("lead", "deal", "account", "contact", "task"), 1)
        tx.conn.execute(search_fill.update().values(at=tx.now - timedelta(hours=2)))
        tx.conn.execute(delete(search_entry).where(search_entry.c.record == f"lead:{id_}"))
    for _ in range(20):
        with any_house.db.begin() as tx:
            if not filling.fill(tx):
                break
    assert set(ids(any_house, "roux", "admin")) == {id_, made}
    looked, changed = filling.rebuild(any_house.db.begin, lambda _done, _new: None)
    assert (looked, changed) == (2, 0)


def test_more_than_can_be_ranked_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 3)
    exact = {f"lead:{lead(house, name=f'Roux {number}', company='x', email=None)}" for number in range(3)}
    part = {f"lead:{lead(house, name=f'Garouxel {number}', company='x', email=None)}" for number in range(4)}
    for probe in (queries.PROBE, 2):  # with few, and with many at once
        monkeypatch.setattr(queries, "PROBE", probe)
        with house.db.read() as tx:
            page = service.find(tx, "roux", EVERYTHING, None, 10)
            assert ({one.record for one in page.items}, page.complete) == (exact, False)
            page = service.find(tx, "arouxel", EVERYTHING, None, 10)
            assert (len({one.record for one in page.items} & part), page.complete) == (3, False)
            page = service.find(tx, "roux 1", EVERYTHING, None, 10)
            assert (len(page.items), page.complete) == (2, True)
