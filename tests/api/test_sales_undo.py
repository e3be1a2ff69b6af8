"""Acts on records taken back: by whom, after what, and what goes with them; conversions and money at the edge."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from taskhub.db.tables import task
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House

LEADS = "/api/v1/leads"
ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example"}


def lead(house: House, persona: str = "rob", **more: Any) -> str:
    return str(house.of(persona).ok("POST", LEADS, {**ANN, **more})["id"])


def tell(house: House, noun: str, type_: str, **fields: Any) -> None:
    """Another system says so, later than all that was said."""
    sent = {"specversion": "1.0", "id": f"{type_}{fields}", "source": "s", "type": type_, "data": {noun: fields}}
    house.of("admin").ok("POST", "/api/v1/events", sent)
    drain(house.db)


def newest(house: House, persona: str = "rob") -> str:
    return f"/api/v1/acts/{house.of(persona).ok('GET', '/api/v1/acts')['items'][0]['id']}/undo"


def states(house: House, deal: str) -> dict[str, str]:
    with house.db.read() as tx:
        found = select(task.c.title, task.c.state).where(task.c.deal == deal)
        return {row.title: row.state for row in tx.conn.execute(found)}


def won(house: House) -> str:
    made = house.of("rob").ok("POST", "/api/v1/deals", {"title": "Press", "name": "Ann", "amount": 10})
    drain(house.db)
    house.of("rob").ok("POST", f"/api/v1/deals/{made['id']}/win")
    return str(made["id"])


def test_who_lost_the_right_to_change_a_record_cannot_undo_either(any_house: House) -> None:
    rob, one, two = any_house.of("rob"), lead(any_house), lead(any_house)
    rob.ok("POST", f"{LEADS}/{one}/stage", {"stage": "known"})
    moved = newest(any_house)
    rob.ok("POST", f"{LEADS}/{two}/convert", {})
    converted = newest(any_house)
    drain(any_house.db)
    for id_ in (one, two):
        tell(any_house, "lead", "lead.updated", id=id_, owner="far")
    assert code(rob.post(moved)) == (404, "not_found")
    assert code(rob.post(converted)) == (404, "not_found")
    assert rob.get(f"{LEADS}/{one}").status_code == 404
    assert any_house.of("admin").ok("GET", f"{LEADS}/{two}")["status"] == "converted"


def test_who_gave_a_record_away_may_take_that_back(any_house: House) -> None:
    id_ = lead(any_house)
    any_house.of("rob").ok("PATCH", f"{LEADS}/{id_}", {"version": 1, "owner": "far"})
    any_house.of("rob").ok("POST", newest(any_house))
    assert any_house.of("rob").ok("GET", f"{LEADS}/{id_}")["owner"] == "rob"


def test_undo_does_not_overwrite_what_others_said_since(any_house: House) -> None:
    rob, id_ = any_house.of("rob"), lead(any_house)
    rob.ok("PATCH", f"{LEADS}/{id_}", {"version": 1, "phone": "1", "amount": "10"})
    undo = newest(any_house)
    tell(any_house, "lead", "lead.updated", id=id_, phone="2")
    assert code(rob.post(undo)) == (409, "changed_since")
    assert rob.ok("GET", f"{LEADS}/{id_}")["phone"] == "2"
    tell(any_house, "lead", "lead.updated", id=id_, phone="1")
    rob.ok("POST", undo)
    assert rob.ok("GET", f"{LEADS}/{id_}")["phone"] is None


def test_a_win_undone_takes_its_work_back(any_house: House) -> None:
    deal = won(any_house)
    drain(any_house.db)
    assert states(any_house, deal) == {"Contract for Ann": "queued"}
    any_house.of("rob").ok("POST", newest(any_house))
    drain(any_house.db)
    assert states(any_house, deal) == {"Contract for Ann": "cancelled"}


def test_a_win_undone_at_once_makes_no_work(any_house: House) -> None:
    deal = won(any_house)
    any_house.of("rob").ok("POST", newest(any_house))
    drain(any_house.db)
    assert states(any_house, deal) == {}
    assert any_house.of("rob").ok("GET", f"/api/v1/deals/{deal}")["status"] == "open"


def test_a_win_stands_once_its_work_was_begun(any_house: House) -> None:
    deal = won(any_house)
    drain(any_house.db)
    any_house.taken("zoe")
    assert code(any_house.of("rob").post(newest(any_house))) == (409, "work_started")
    assert any_house.of("rob").ok("GET", f"/api/v1/deals/{deal}")["status"] == "won"


def test_a_converted_lead_that_an_event_reopened_is_not_converted_twice(any_house: House) -> None:
    rob, id_ = any_house.of("rob"), lead(any_house)
    made = rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    drain(any_house.db)
    tell(any_house, "lead", "lead.reopened", id=id_)
    assert rob.ok("GET", f"{LEADS}/{id_}")["status"] == "open"
    again = rob.post(f"{LEADS}/{id_}/convert", {"deal": {}})
    assert code(again) == (409, "already_converted")
    assert (again.json()["deal"], again.json()["converted_by"]) == (made["deal"]["id"], "rob")


def test_an_amount_keeps_a_currency(any_house: House) -> None:
    rob, id_ = any_house.of("rob"), lead(any_house, amount="10", currency="USD")
    emptied = rob.ok("PATCH", f"{LEADS}/{id_}", {"version": 1, "currency": None})
    assert (emptied["amount"], emptied["currency"]) == (10, "EUR")
    both = rob.ok("PATCH", f"{LEADS}/{id_}", {"version": 2, "amount": None, "currency": None})
    assert (both["amount"], both["currency"]) == (None, None)
