"""What acts say and what they leave alone: late words, long amounts, work that an undone act had ended, rights."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from taskhub.db.tables import message, task
from taskhub.db.tables_sales import RECORDS
from taskhub.testing.drain import drain
from tests.api.client import code
from tests.api.house import House, open_house

LEADS = "/api/v1/leads"
ANN = {"name": "Ann Roux", "company": "Atelier Roux", "email": "ann@roux.example"}


def lead(house: House, persona: str = "rob", **more: Any) -> str:
    return str(house.of(persona).ok("POST", LEADS, {**ANN, **more})["id"])


def tell(house: House, noun: str, type_: str, at: datetime | None = None, **fields: Any) -> str:
    """Another system says so. Returns the id of the event."""
    sent: dict[str, Any] = {"specversion": "1.0", "id": f"{type_}{fields}", "source": "s", "type": type_}
    sent |= {"data": {noun: fields}, **({"time": at.isoformat()} if at else {})}
    receipt = house.of("admin").ok("POST", "/api/v1/events", sent)["events"][0]
    drain(house.db)
    return str(receipt["event_id"])


def states(house: House, **which: Any) -> dict[str, str]:
    with house.db.read() as tx:
        found = select(task.c.title, task.c.state).where(*[task.c[name] == value for name, value in which.items()])
        return {row.title: row.state for row in tx.conn.execute(found)}


def newest(house: House, persona: str = "rob") -> str:
    return f"/api/v1/acts/{house.of(persona).ok('GET', '/api/v1/acts')['items'][0]['id']}/undo"


def a_moment_ago() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("applied", [True, False])
def test_a_late_word_about_a_field_no_act_touched_is_heard(any_house: House, *, applied: bool) -> None:
    rob, id_ = any_house.of("rob"), lead(any_house)
    drain(any_house.db)
    between = a_moment_ago()
    rob.ok("POST", f"{LEADS}/{id_}/stage", {"stage": "known"})
    rob.ok("PATCH", f"{LEADS}/{id_}", {"version": 2, "language": "fr"})
    if applied:
        drain(any_house.db)
    tell(any_house, "lead", "lead.updated", between, id=id_, phone="+33 1", stage="ready", language="en")
    known = rob.ok("GET", f"{LEADS}/{id_}")
    assert (known["phone"], known["stage"], known["language"]) == ("+33 1", "known", "fr")


def test_a_conversion_leaves_what_it_only_shows(any_house: House) -> None:
    rob = any_house.of("rob")
    account = rob.ok("POST", "/api/v1/accounts", {"name": "Atelier Roux"})["id"]
    id_ = lead(any_house)
    drain(any_house.db)
    between = a_moment_ago()
    rob.ok("POST", f"{LEADS}/{id_}/convert", {"account": {"id": account}})
    drain(any_house.db)
    tell(any_house, "account", "account.updated", between, id=account, name="Roux & Co", customer_since="2001-01-01")
    known = rob.ok("GET", f"/api/v1/accounts/{account}")
    assert known["name"] == "Roux & Co"
    assert known["customer_since"] != "2001-01-01"
    tell(any_house, "lead", "lead.updated", between, id=id_, phone="+33 1")
    assert rob.ok("GET", f"{LEADS}/{id_}")["phone"] == "+33 1"


def test_work_is_made_with_the_whole_record_though_little_was_told(any_house: House) -> None:
    rob, made = any_house.of("rob"), {"title": "Press", "name": "Ann", "amount": "10.50", "currency": "EUR"}
    id_ = rob.ok("POST", "/api/v1/deals", made)["id"]
    drain(any_house.db)
    rob.ok("POST", f"/api/v1/deals/{id_}/win")
    drain(any_house.db)
    with any_house.db.read() as tx:
        data = tx.conn.execute(select(task.c.data).where(task.c.deal == id_)).scalar_one()
    assert {name: data["deal"][name] for name in ("title", "name", "amount")} == {
        "title": "Press", "name": "Ann", "amount": 10.5,
    }  # fmt: skip


LONG = {
    "123456789012345.67": 123456789012345.67, "999999999999999.99": "999999999999999.99",
    "12345678901234.567": "12345678901234.567", "1999.90": 1999.9, "300.0": 300, "0.1": 0.1, "1e3": 1000,
}  # fmt: skip


@pytest.mark.parametrize("digits", LONG)
def test_every_digit_of_an_amount_is_kept(any_house: House, digits: str) -> None:
    raw = (
        '{"specversion": "1.0", "id": "d", "source": "s", "type": "deal.won", "data": {"deal": {"id": "d", '
        f'"name": "A", "owner": "rob", "amount": {digits}, "currency": "EUR", "weight": {digits}}}}}}}'
    )
    header = {"content-type": "application/cloudevents+json"}
    admin = any_house.of("admin")
    assert admin.request("POST", "/api/v1/events", content=raw, headers=header).status_code == 202
    drain(any_house.db)
    known = admin.ok("GET", "/api/v1/deals/d")
    assert known["amount"] == LONG[digits]
    assert known["weight"] == float(digits)
    assert states(any_house, deal="d") == {"Contract for A": "queued"}
    patched = any_house.of("rob").ok("PATCH", "/api/v1/deals/d", {"version": 1, "name": "B"})
    drain(any_house.db)
    assert patched["amount"] == admin.ok("GET", "/api/v1/deals/d")["amount"] == LONG[digits]


def test_long_amounts_are_summed_exactly(any_house: House) -> None:
    for id_, amount in (("a", "999999999999999.99"), ("b", "0.01")):
        tell(any_house, "deal", "deal.created", id=id_, amount=amount, currency="EUR", pipeline="sales", owner="rob")
        tell(any_house, "deal", "deal.won", id=id_)
    found = any_house.of("admin").ok("GET", "/api/v1/metrics/sales?agent=rob")["items"]
    assert [one["amounts"] for one in found if one["pipeline"] == "sales"] == [{"EUR": "1000000000000000.00"}]


def test_undo_of_a_conversion_opens_what_it_closed(any_house: House) -> None:
    rob, id_ = any_house.of("rob"), lead(any_house)
    drain(any_house.db)
    rob.ok("POST", f"{LEADS}/{id_}/convert", {"deal": {}})
    drain(any_house.db)
    assert states(any_house, lead=id_)["Call Ann Roux"] == "cancelled"
    rob.ok("POST", f"{LEADS}/{id_}/undo-conversion")
    drain(any_house.db)
    assert states(any_house, lead=id_) == {
        "Call Ann Roux": "queued", "Agreement with Atelier Roux": "cancelled", "Account of Atelier Roux": "cancelled",
    }  # fmt: skip


ACTS: dict[str, Any] = {
    "stage": {"stage": "known"}, "lose": {"reason": "price"}, "take-over": {}, "convert": {}, "follow-up": {},
    "withdraw": {},
    "status": {"status": "lost", "reason": "price"},
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.postgres
def test_whose_a_record_is_is_asked_behind_its_lock(postgres_url: str, act: str) -> None:
    """It goes to another department while the call waits for its lock."""
    with open_house(postgres_url) as house:
        _given_away_meanwhile(house, act)


def _given_away_meanwhile(house: House, act: str) -> None:
    id_ = lead(house)
    drain(house.db)
    table, asked = RECORDS["lead"], threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with house.db.begin() as tx:
            row = tx.conn.execute(select(table).where(table.c.id == id_).with_for_update()).one()

            def call() -> Any:
                asked.set()
                return house.of("rob").post(f"{LEADS}/{id_}/{act}", ACTS[act])

            waiting = pool.submit(call)
            asked.wait()
            while not _waits(house):
                threading.Event().wait(0.02)
            given = {**row.fields, "owner": "far"}
            tx.conn.execute(update(table).where(table.c.id == id_).values(fields=given, owner="far"))
        answer = waiting.result(30)
    assert code(answer)[0] == 404, answer.text
    assert house.of("admin").ok("GET", f"{LEADS}/{id_}")["status"] == "open"


def _waits(house: House) -> bool:
    with house.db.read() as tx:
        found = tx.conn.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(found.scalar_one())


def test_events_that_older_workers_would_misread_are_left_to_newer_ones(any_house: House) -> None:
    """A worker that does not know a handler leaves its rows; the old name stays for events it reads as we do."""
    id_ = lead(any_house)
    any_house.of("rob").ok("POST", f"{LEADS}/{id_}/stage", {"stage": "known"})
    tell_only = {"specversion": "1.0", "id": "x", "source": "s", "type": "lead.updated", "data": {"lead": {"id": "z"}}}
    any_house.of("admin").ok("POST", "/api/v1/events", tell_only)
    with any_house.db.read() as tx:
        wanted = select(message.c.handler).where(message.c.topic.like("event.%")).order_by(message.c.id)
        assert tx.conn.execute(wanted).scalars().all() == ["event.apply", "event.apply_stated", "event.apply"]
