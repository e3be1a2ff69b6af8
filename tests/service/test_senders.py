"""Several senders speak of one record: whose word counts, and what of it leaves again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from taskhub.events import service as events
from taskhub.events.model import Delivery, Event, RecordRef, Version
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.sales import service as sales
from taskhub.sales.firings import service as firings
from taskhub.sales.model import Change, Changes
from tests.service.receiver import Receiver
from tests.service.test_sending import House, connection

DEAL = RecordRef("deal", "crm:1")


@pytest.fixture
def house(sqlite_url: str, receiver: Receiver) -> Iterator[House]:
    """A CRM and a signed sender tell of deals; the shop is told."""
    crm = Connection("crm", "pipedrive", LocalText("CRM"))
    signed = Connection("signed", "standard_webhooks", LocalText("Signed"))
    one = House(sqlite_url, connection("shop", receiver.url, "deal.*"), crm, signed)
    yield one
    one.desk.db.close()


def put(house: House, type_: str, at: datetime, of: str = "crm", **more: Any) -> None:
    """One event about the deal comes in and is applied; ``fields`` of it, and whatever else an event has."""
    fields = {"id": DEAL.id, **more.pop("fields", {})}
    id_ = f"{type_}-{of}-{at.isoformat()}-{len(more)}"
    event = Event(of, id_, (type_,), at, DEAL, {"deal": fields}, connection=of, **more)
    with house.desk.db.begin() as tx:
        found = Delivery(of, id_, type_, None, at, id_, id_, "accepted", event)
        events.ingest(tx, [found], b"{}", {}, "application/json", connection=of)
    house.run(seconds=1)


def look(house: House, type_: str, at: datetime, **fields: Any) -> None:
    """Somebody looked at the deal over there: it shows a state, and no move."""
    put(house, type_, at, fields=fields, states_change=False, look="news")


def deal(house: House) -> Any:
    with house.desk.db.read() as tx:
        return sales.get(tx, DEAL)


def test_a_record_of_a_crm_is_the_crms_whoever_names_it_first(house: House) -> None:
    at = house.clock.now
    put(house, "deal.created", at, "signed", fields={"title": "Theirs"})
    assert deal(house).connection is None
    put(house, "deal.updated", at + timedelta(seconds=5), fields={"title": "Acme", "status": "open"})
    assert (deal(house).connection, deal(house).fields["title"]) == ("crm", "Acme")
    put(house, "deal.lost", at + timedelta(seconds=9), "signed", fields={"status": "lost"})
    assert (deal(house).connection, deal(house).fields["status"]) == ("crm", "open")


WON: dict[str, Any] = {"fields": {"status": "won"}, "previous": {"deal": {"status": "open"}}}


def told(receiver: Receiver) -> list[tuple[str, list[str]]]:
    return [(one.type, one.event["data"]["changed"]) for one in receiver.got]


def test_one_move_leaves_once_where_a_look_came_before_its_webhook(house: House, receiver: Receiver) -> None:
    at = house.clock.now
    put(house, "deal.created", at, fields={"title": "Acme", "status": "open"})
    look(house, "deal.updated", at + timedelta(seconds=1), title="Acme", status="won")
    assert receiver.types == ["deal.created", "deal.won"]
    put(house, "deal.won", at + timedelta(seconds=1), **WON)
    put(house, "deal.won", at + timedelta(seconds=1), **WON, change="of a second subscription")
    assert receiver.types == ["deal.created", "deal.won"]
    # Another move of the same kind is one of its own.
    again: dict[str, Any] = {"fields": {"status": "open"}, "previous": {"deal": {"status": "won"}}}
    put(house, "deal.reopened", at + timedelta(seconds=5), **again)
    put(house, "deal.won", at + timedelta(seconds=6), **WON)
    assert receiver.types[2:] == ["deal.reopened", "deal.won"]


def test_one_making_leaves_once_where_a_look_came_before_its_webhook(house: House, receiver: Receiver) -> None:
    at = house.clock.now
    look(house, "deal.created", at, title="Acme", status="open")
    put(house, "deal.created", at, fields={"title": "Acme", "status": "open"})
    assert receiver.types == ["deal.created"]


def test_of_a_move_that_was_told_in_part_the_rest_leaves(house: House, receiver: Receiver) -> None:
    at = house.clock.now
    put(house, "deal.created", at, fields={"title": "Acme", "status": "open", "amount": 5})
    look(house, "deal.updated", at + timedelta(seconds=2), status="won")
    both: dict[str, Any] = {
        "fields": {"status": "won", "amount": 7},
        "previous": {"deal": {"status": "open", "amount": 5}},
    }
    put(house, "deal.won", at + timedelta(seconds=1), **both)
    assert told(receiver)[1:] == [("deal.won", ["status"]), ("deal.updated", ["amount"])]


def test_what_was_told_of_a_state_still_fires_rules(house: House) -> None:
    at = house.clock.now
    with house.desk.db.begin() as tx:
        look_at = Event("crm", "l", ("deal.updated",), at, DEAL, {}, connection="crm", states_change=False)
        seen = Changes(DEAL, ("deal.won",), Version(at, ""), {"status": Change("open", "won")})
        firings.unsent(tx, look_at, seen)
        late = Event("crm", "h", ("deal.won",), at, DEAL, {}, connection="crm")
        assert firings.unsent(tx, late, seen).reason == "absorbed"
        assert firings.meet(tx, late, seen) == seen
        assert not firings.heard_of(tx, DEAL)


def test_an_event_says_when_it_happened_not_when_it_came(house: House, receiver: Receiver) -> None:
    at = house.clock.now
    house.clock.forward(minutes=30)
    put(house, "deal.created", at, fields={"title": "Acme", "status": "open"})
    put(house, "deal.won", at + timedelta(minutes=20), **WON)
    reopened: dict[str, Any] = {"fields": {"status": "open"}, "previous": {"deal": {"status": "lost"}}}
    put(house, "deal.reopened", at + timedelta(minutes=10), **reopened)
    said = [(one.type, datetime.fromisoformat(one.event["time"]) - at) for one in receiver.got]
    minutes = [("deal.created", 0), ("deal.won", 20), ("deal.reopened", 10)]
    assert said == [(type_, timedelta(minutes=late)) for type_, late in minutes]
    # The record is shown as it stands when it is told.
    assert receiver.got[-1].event["data"]["deal"]["status"] == "won"
