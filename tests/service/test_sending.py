"""What happens here is told to whoever wants it: signed, at least once, under one id, whatever the receiver does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from taskhub.access import service as access
from taskhub.acts import apply_event
from taskhub.api import api
from taskhub.assignment import service as assignment
from taskhub.connectors import standard_webhooks
from taskhub.connectors.asking import shown
from taskhub.connectors.sending import stops, store
from taskhub.connectors.sending.deliver import Deliver
from taskhub.connectors.sending.posting import Poster
from taskhub.connectors.write_back import waiting
from taskhub.db.handler import Handlers
from taskhub.db.tables import message, notification
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events import service as events
from taskhub.events.cloudevents import read_cloudevents
from taskhub.events.model import RecordRef
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState
from taskhub.policy.policies import Connection, Policies
from taskhub.policy.sending import Sending
from taskhub.policy.text import LocalText
from taskhub.sales import service as sales
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from taskhub.workers import run_due
from tests.api.client import running
from tests.service.desk import Desk
from tests.service.receiver import CUT, HANG, KEY, Got, Receiver

NEWER = "whsec_" + base64.b64encode(b"n" * 24).decode()
ALL = ("*",)


def connection(key: str, url: str, *events_: str, **more: Any) -> Connection:
    send = Sending(url, events_ or ALL, **more)
    return Connection(key, "standard_webhooks", LocalText(key.capitalize()), {"send_key": "SEND_KEY"}, send=send)


class House:
    """A desk whose acts are told; ``run`` does what is due with a short patience."""

    def __init__(self, url: str, *connections: Connection, environ: dict[str, str] | None = None) -> None:
        self.environ = {"SEND_KEY": KEY} if environ is None else environ
        self.desk = Desk(url, org.policies(connections={one.key: one for one in connections}))
        self.desk.staff("front", "ana", language="fr", email="ana@example.org")
        self.desk.staff("specialists", "ben")
        self.clock = self.desk.clock
        sender = Deliver(Poster(patience=1), self.environ, lambda: datetime.now(UTC))
        self.handlers: Handlers = {**HANDLERS, "event.send": sender}

    def run(self, *, days: int = 0, **span: float) -> None:
        if span:
            self.clock.forward(**span)
        run_due(self.desk.db, self.handlers)
        for _ in range(days):
            self.clock.forward(days=1)
            run_due(self.desk.db, self.handlers)

    def rows(self, **which: Any) -> list[Any]:
        return self.desk.rows(message, handler="event.send", **which)

    def open(self) -> list[Any]:
        return [row for row in self.rows() if row.done_at is None and row.dead_at is None]

    def event(self, type_: str, noun: str, fields: dict[str, Any], of: str | None = None, **more: Any) -> None:
        """An event comes in, through the connection ``of`` or POST /events, and is applied."""
        body = {"specversion": "1.0", "id": f"{type_}{len(self.desk.rows(message))}", "source": "them", "type": type_}
        told = {**body, "subject": fields["id"], "time": self.clock.now.isoformat(), "data": {noun: fields, **more}}
        with self.desk.db.begin() as tx:
            found = read_cloudevents({"content-type": "application/json"}, orjson.dumps(told), tx.now)
            if of is not None:
                found = [replace(one, event=one.event and replace(one.event, connection=of)) for one in found]
            events.ingest(tx, found, orjson.dumps(told), {}, "application/json", connection=of)
        self.run(seconds=1)


@pytest.fixture
def born(database_url: str, receiver: Receiver) -> Iterator[House]:
    """Only the making of tasks is told."""
    one = House(database_url, connection("shop", receiver.url, "task.created"))
    yield one
    one.desk.db.close()


@pytest.fixture
def house(sqlite_url: str, receiver: Receiver) -> Iterator[House]:
    one = House(sqlite_url, connection("shop", receiver.url))
    yield one
    one.desk.db.close()


def checked(got: Got, *keys: str) -> None:
    """As a receiver does it, with nothing of taskhub: each signature fits one key, in order."""
    made = got.headers["webhook-signature"].split(" ")
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    for key, one in zip(keys, made, strict=True):
        mac = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert one == "v1," + base64.b64encode(mac).decode()
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 300


def test_a_task_is_told_as_it_is_given_begun_and_done(house: House, receiver: Receiver) -> None:
    id_, token = house.desk.started("ana")
    house.desk.do("ana", tasks.complete, id_, token)
    house.run()
    assert sorted(receiver.types) == ["task.assigned", "task.completed", "task.created", "task.started"]
    told = {one.type: one for one in receiver.got}
    for one in receiver.got:
        checked(one, KEY)
        assert one.headers["content-type"] == "application/cloudevents+json"
        event = one.event
        assert (event["id"], event["source"], event["specversion"]) == (one.id, "taskhub", "1.0")
        assert (event["subject"], event["datacontenttype"]) == (id_, "application/json")
        assert event["data"]["task"]["id"] == id_
    # Each as it was when it happened, and in an order that can be told.
    seen = {type_: one.event["data"]["task"] for type_, one in told.items()}
    assert {type_: (task["state"], task["agent"]) for type_, task in seen.items()} == {
        "task.created": ("queued", None), "task.assigned": ("assigned", "ana"), "task.started": ("in_progress", "ana"),
        "task.completed": ("completed", "ana"),
    }  # fmt: skip
    order = [told[f"task.{what}"].event["sequence"] for what in ("created", "assigned", "started", "completed")]
    assert order == sorted(order)
    assert (told["task.completed"].event["data"]["act"], told["task.completed"].event["data"]["by"]) == (
        "complete", "agent:ana",
    )  # fmt: skip
    assert len({one.id for one in receiver.got}) == 4
    assert not house.open()


def test_what_is_told_is_what_the_api_shows(house: House, receiver: Receiver) -> None:
    id_ = house.desk.make()
    house.run()
    told = receiver.got[0].event["data"]["task"]
    key = house.desk.do("admin", access.create_key, "admin", "admin")
    with running(api(AppState(house.desk.db))) as client:
        answer = client.as_(key).ok("GET", f"/api/v1/tasks/{id_}")
    assert told.keys() == answer.keys() - {"second_looks", "question"}
    later = {"waiting_reasons": None}  # not known in the act that made it
    assert told == {key: answer[key] for key in told} | later


def test_a_claim_is_both(database_url: str, receiver: Receiver) -> None:
    house = House(database_url, connection("shop", receiver.url))
    house.desk.make()
    house.desk.claim("ana")
    house.run()
    assert sorted(receiver.types) == ["task.assigned", "task.created", "task.started"]
    house.desk.db.close()


def test_other_ways_of_a_task(house: House, receiver: Receiver) -> None:
    id_, token = house.desk.started("ana")
    house.desk.do("ana", tasks.pause, id_, "waiting_customer", token=token)
    token = house.desk.do("ana", tasks.resume, id_)[1].token
    house.desk.do("ana", tasks.release, id_, "lunch", token)
    house.desk.do("admin", tasks.cancel, id_, "not needed")
    done, token = house.desk.started("ana")
    house.desk.do("ana", tasks.complete, done, token)
    house.desk.do("ana", tasks.reopen, done, "not yet")
    house.run()
    later = [one for one in receiver.types if one not in ("task.created", "task.assigned", "task.started")]
    assert sorted(later) == sorted([
        "task.paused", "task.resumed", "task.unassigned", "task.cancelled", "task.completed",
        "task.reopened",
    ])  # fmt: skip


def test_a_breach_says_of_what(house: House, receiver: Receiver) -> None:
    house.desk.make()
    house.run(days=3)
    breach = next(one for one in receiver.got if one.type == "sla.breached")
    assert breach.event["data"]["target"] == "completion"
    assert breach.event["data"]["task"]["sla"]["state"] == "breached"


def test_only_what_is_wanted(sqlite_url: str, receiver: Receiver) -> None:
    one = House(
        sqlite_url, connection("shop", receiver.url, "task.assigned", "deal.*", kinds=("billing",), queues=("front",))
    )
    one.desk.started("ana")
    one.desk.started("ben", "contract")
    one.run()
    assert receiver.types == ["task.assigned"]
    assert receiver.got[0].event["data"]["task"]["kind"] == "billing"
    one.desk.db.close()


def test_who_is_told_of_a_queue_hears_of_a_task_that_leaves_it_and_no_more(sqlite_url: str, receiver: Receiver) -> None:
    with Receiver() as kinds, Receiver() as there:
        one = House(
            sqlite_url, connection("shop", receiver.url, queues=("front",)),
            connection("bills", kinds.url, kinds=("billing",)), connection("desk", there.url, queues=("desk",)),
        )  # fmt: skip
        id_, token = one.desk.started("ana")
        one.run()
        before = len(receiver.got)
        one.desk.do("ana", tasks.change_kind, id_, "contract", "wrong kind", token)
        one.run()
        for here in (receiver, kinds):
            (left,) = here.got[before:]
            assert (left.type, left.event["data"]["act"]) == ("task.unassigned", "change_kind")
            assert left.event["data"]["task"]["queue"] == "desk"
        assert "task.unassigned" in there.types
        one.desk.do("ben", assignment.claim, ["desk"])
        one.desk.do("admin", tasks.cancel, id_, "not needed")
        one.run()
        assert len(receiver.got) == len(kinds.got) == before + 1
        assert there.types[-1] == "task.cancelled"
        one.desk.db.close()


def test_nobody_to_tell_costs_no_row(sqlite_url: str) -> None:
    one = House(sqlite_url)
    one.desk.started("ana")
    assert not one.rows()
    one.desk.db.close()


LEAD = {"id": "l1", "title": "Acme", "name": "Ada", "company": "Acme", "status": "open"}


def test_a_lead_that_is_converted_and_a_deal_that_is_won(house: House, receiver: Receiver) -> None:
    house.event("lead.created", "lead", LEAD)
    house.event("lead.converted", "lead", {**LEAD, "status": "converted"}, previous={"lead": {"status": "open"}})
    house.event(
        "deal.won", "deal", {"id": "d1", "title": "Acme", "status": "won"}, previous={"deal": {"status": "open"}}
    )
    assert receiver.types == ["lead.created", "lead.converted", "deal.won"]
    with house.desk.db.read() as tx:
        known = shown.record(tx, sales.get(tx, RecordRef("lead", "l1")))
    told = receiver.got[1].event
    assert told["data"]["lead"].keys() == known.keys()
    assert (told["data"]["lead"]["status"], told["subject"]) == ("converted", "l1")
    assert "status" in told["data"]["changed"]


def test_what_somebody_tells_is_not_told_back_to_them(sqlite_url: str, receiver: Receiver) -> None:
    with Receiver() as other:
        one = House(sqlite_url, connection("shop", receiver.url), connection("desk", other.url))
        one.event("lead.created", "lead", LEAD, of="shop")
        assert (receiver.types, other.types) == ([], ["lead.created"])
        # What is sent here under our own name is refused at the door, so that nothing goes round.
        with pytest.raises(InvalidInput) as refused:
            read_cloudevents({"content-type": "application/cloudevents+json"}, other.got[0].body, one.clock.now)
        assert refused.value.stable_code == "reserved_source"
        one.desk.db.close()


def test_an_event_applied_twice_is_told_once(house: House, receiver: Receiver) -> None:
    house.event("lead.created", "lead", LEAD)
    (row,) = house.desk.rows(message, handler="event.apply")
    with house.desk.db.begin() as tx:
        apply_event.apply_event(tx, replace_taken(row))
    house.run()
    assert receiver.types == ["lead.created"]


def replace_taken(row: Any) -> Any:
    from taskhub.db.ledger import Taken

    return Taken(row.id, row.topic, row.handler, row.key, row.mode, row.payload, row.due_at, 1, "t")


def test_cut_after_the_write_it_comes_again_under_the_same_id(house: House, receiver: Receiver) -> None:
    receiver.answers = [CUT]
    house.desk.make()
    house.run()
    (row,) = house.open()
    assert "gave no answer" in row.error
    house.run(seconds=10)
    first, again = receiver.got
    assert (first.id, first.body) == (again.id, again.body)
    checked(again, KEY)
    assert not house.open()


@pytest.mark.parametrize("answer", [500, 404, 400, HANG])
def test_what_is_not_taken_is_tried_again(house: House, receiver: Receiver, answer: int | str) -> None:
    receiver.answers = [answer, answer]
    house.desk.make()
    house.run()
    (row,) = house.open()
    assert timedelta(seconds=5) <= row.due_at - house.clock.now <= timedelta(seconds=7)
    house.run(seconds=8)
    (row,) = house.open()
    assert timedelta(minutes=5) <= row.due_at - house.clock.now <= timedelta(minutes=7)
    house.run(minutes=8)
    assert len({one.id for one in receiver.got}) == 1
    assert len(receiver.got) == 3
    assert not house.open()


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_patience_gets_it(house: House, receiver: Receiver, status: int) -> None:
    receiver.answers, receiver.headers = [status], {"retry-after": "600"}
    house.desk.make()
    house.run()
    house.run(seconds=500)
    assert len(receiver.got) == 1
    house.run(seconds=150)
    assert len(receiver.got) == 2


def test_a_redirect_is_not_followed(house: House, receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.answers, receiver.headers = [307], {"location": elsewhere.url}
        house.desk.make()
        house.run()
        assert elsewhere.got == []
    assert "points elsewhere" in house.open()[0].error
    assert receiver.url not in house.open()[0].error


def test_after_the_last_try_it_is_dead_and_replayed_under_its_id(born: House, receiver: Receiver) -> None:
    receiver.status = 500
    born.desk.make()
    born.run(days=14)
    (row,) = born.rows()
    assert (row.dead_at is not None, row.attempts) == (True, 10)
    with born.desk.db.read() as tx:
        (given_up,) = waiting.of(tx, "shop")
        assert (given_up.what, given_up.about) == ("event", f"task.created {row.key}")
    receiver.status = 200
    assert born.desk.do("admin", waiting.replay, "shop") == 1
    born.run()
    assert {one.id for one in receiver.got} == {row.key}
    assert not born.open()


def test_while_keys_change_it_is_signed_with_both(sqlite_url: str, receiver: Receiver) -> None:
    one = House(sqlite_url, connection("shop", receiver.url), environ={"SEND_KEY": f"{NEWER} {KEY}"})
    one.desk.make()
    one.run()
    checked(receiver.got[0], NEWER, KEY)
    standard_webhooks.verify(receiver.got[0].headers, receiver.got[0].body, KEY, datetime.now(UTC))
    one.desk.db.close()


@pytest.mark.parametrize("environ", [{}, {"SEND_KEY": "whsec_short"}])
def test_without_a_usable_key_nothing_leaves_and_the_reason_stands_there(
    sqlite_url: str, receiver: Receiver, environ: dict[str, str]
) -> None:
    one = House(sqlite_url, connection("shop", receiver.url), environ=environ)
    one.desk.make()
    one.run()
    assert receiver.got == []
    assert "send_key" in one.open()[0].error
    one.environ["SEND_KEY"] = KEY
    one.run(seconds=10)
    assert receiver.types == ["task.created"]
    one.desk.db.close()


def test_one_that_wants_no_more_is_left_in_peace(born: House, receiver: Receiver) -> None:
    born.desk.staff("front", "mia", roles=["manager"])
    receiver.status = 410
    first = born.desk.make()
    born.run()
    (waits,) = born.open()
    born.desk.make("credit")
    assert born.open() == [waits]
    notices = [row for row in born.desk.rows(notification) if "410" in row.body]
    assert len(notices) == len({row.agent for row in notices}) > 0
    # It waits, and no try is counted.
    born.run(hours=1)
    assert len(receiver.got) == 1
    assert [row.attempts for row in born.open()] == [0]
    with born.desk.db.read() as tx:
        assert [one.connection for one in store.stops(tx)] == ["shop"]
    receiver.status = 200
    assert born.desk.do("admin", stops.resume, "shop")
    assert not born.desk.do("admin", stops.resume, "shop")
    born.run(minutes=6)
    assert [one.event["subject"] for one in receiver.got] == [first, first]
    assert len({one.id for one in receiver.got}) == 1
    born.desk.make("credit")
    born.run()
    assert len(receiver.got) == 3


def with_policies(house: House, change: Callable[[Policies], Policies]) -> None:
    """Another set is in force from now on."""
    new = change(house.desk.policies)
    house.desk.db._loader = lambda _texts, _resolved: new
    house.desk.db._accepted.clear()


def test_at_another_address_they_are_told_again(born: House, receiver: Receiver) -> None:
    receiver.status = 410
    born.desk.make()
    born.run()
    with Receiver() as moved:
        with_policies(
            born, lambda set_: replace(set_, connections={"shop": connection("shop", moved.url, "task.created")})
        )
        born.desk.make("credit")
        born.run()
        assert moved.types == ["task.created"]
        born.run(minutes=6)
        assert moved.types == ["task.created", "task.created"]


@pytest.mark.parametrize("silent", [None, "send"])
def test_a_connection_that_is_taken_away_while_rows_wait(house: House, receiver: Receiver, silent: str | None) -> None:
    receiver.answers = [500]
    house.desk.make()
    house.run()
    left = {} if silent is None else {"shop": replace(connection("shop", receiver.url), send=None)}
    with_policies(house, lambda set_: replace(set_, connections=left))
    house.run(seconds=10)
    assert len(receiver.got) == 1
    assert (house.open(), [row.dead_at for row in house.rows()]) == ([], [None])


def test_what_is_committed_leaves_even_if_the_process_ends_before_it_is_sent(house: House, receiver: Receiver) -> None:
    id_ = house.desk.make()
    # Nobody has run anything yet: the row is there, with all that is to be said.
    (row,) = house.open()
    assert (row.payload["type"], row.payload["about"]) == ("task.created", id_)
    assert '"queued"' in row.payload["body"]
    house.run()
    assert [one.id for one in receiver.got] == [row.key]


def test_what_is_rolled_back_was_never_told(house: House) -> None:
    id_ = house.desk.make()

    def cut(tx: Tx) -> None:
        tasks.cancel(tx, id_, "x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        house.desk.do("admin", cut)
    assert [row.payload["type"] for row in house.open()] == ["task.created"]


def test_pushed_work_is_told_too(house: House, receiver: Receiver) -> None:
    house.desk.make("contract")
    house.run()
    given = next(one for one in receiver.got if one.type == "task.assigned")
    assert given.event["data"]["task"]["agent"] == "ben"


def test_assigning_is_told_to_each_under_an_id_of_its_own(sqlite_url: str, receiver: Receiver) -> None:
    with Receiver() as other:
        one = House(sqlite_url, connection("shop", receiver.url), connection("desk", other.url, "task.assigned"))
        id_ = one.desk.make()
        one.desk.do("admin", assignment.assign, id_, "ana")
        one.run()
        assert (sorted(receiver.types), other.types) == (["task.assigned", "task.created"], ["task.assigned"])
        assert other.got[0].id not in {got.id for got in receiver.got}
        one.desk.db.close()
