"""The inbox: every delivery once, for any number and order of copies, on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from taskhub.db.database import Database
from taskhub.db.flow import Route
from taskhub.db.tables import event, message
from taskhub.errors import Conflict, DeliveryClash, NotFound
from taskhub.events import service
from taskhub.events.codec import event_from_json, event_to_json
from taskhub.events.inbox import pieces, scrubbed
from taskhub.events.model import Delivery, Doubt, Event, RecordRef
from taskhub.policy.policies import Policies

FLOW = {"event.received": [Route("event.apply")], "record.dirty": [Route("record.reread", mode="outside")]}
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer x"}


def delivery(key: str, body: str = "one", outcome: str = "accepted", reason: str | None = None) -> Delivery:
    fact = Event("crm", key, ("lead.created",), AT, RecordRef("lead", "L1"), {"lead": {"id": "L1"}})
    return Delivery(
        source="crm", external_id=key, type="lead.created", subject="lead:L1", occurred_at=AT, delivery_key=key,
        body_hash=body, outcome=outcome, event=fact if outcome == "accepted" else None, reason=reason,
    )  # fmt: skip


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    one = Database(database_url, flow=FLOW, loader=lambda _texts, _resolved: Policies(hash="h"))
    yield one
    one.close()


def send(db: Database, *deliveries: Delivery, **options: Any) -> list[str]:
    with db.begin() as tx:
        return [one.status for one in service.ingest(tx, deliveries, b"{}", HEADERS, "application/json", **options)]


def counts(db: Database) -> tuple[int, int]:
    with db.begin() as tx:
        rows = tx.conn.execute(select(func.count()).select_from(event)).scalar_one()
        return rows, tx.conn.execute(select(func.count()).select_from(message)).scalar_one()


def test_copies_are_told_so_and_act_once(db: Database) -> None:
    assert send(db, delivery("a")) == ["accepted"]
    assert send(db, delivery("a"), delivery("b"), delivery("b")) == ["duplicate", "accepted", "duplicate"]
    assert counts(db) == (2, 2)


def test_nothing_sent_is_nothing_stored(db: Database) -> None:
    assert send(db) == []
    assert counts(db) == (0, 0)


def test_another_body_is_refused_as_a_whole(db: Database) -> None:
    send(db, delivery("a"))
    with pytest.raises(DeliveryClash):
        send(db, delivery("b"), delivery("a", "other"))
    with pytest.raises(DeliveryClash):
        send(db, delivery("c"), delivery("c", "other"))
    assert counts(db) == (1, 1)


def test_on_hooks_another_body_is_stored_apart_and_never_applied(db: Database) -> None:
    send(db, delivery("a"))
    other = delivery("a", "other")
    assert send(db, other, delivery("b"), other, quarantine_clash=True) == ["accepted", "accepted", "duplicate"]
    assert send(db, other, quarantine_clash=True) == ["duplicate"]
    assert counts(db) == (3, 2)
    with db.begin() as tx:
        (apart,) = service.find(tx, {"state": "quarantined"}, None, 10)[0]
    assert (apart.reason, apart.variant, apart.delivery_key) == ("same_id_other_body", "other", "a")


def test_what_cannot_be_applied_is_stored_with_its_reason_and_rings_nobody(db: Database) -> None:
    send(
        db,
        delivery("i", outcome="ignored", reason="opaque_data"),
        delivery("q", outcome="quarantined", reason="no_record"),
    )
    assert counts(db) == (2, 0)
    with db.begin() as tx:
        states = {one.external_id: (one.state, one.reason, one.event) for one in service.find(tx, {}, None, 10)[0]}
    assert states == {"i": ("ignored", "opaque_data", None), "q": ("quarantined", "no_record", None)}


def test_an_event_is_loaded_as_it_was_and_settled(db: Database) -> None:
    send(db, delivery("a"))
    with db.begin() as tx:
        (stored,) = service.find(tx, {}, None, 10)[0]
        assert service.load(tx, stored.id).event == delivery("a").event
        locked = service.lock(tx, stored.id)
        service.settle(tx, locked.id, "applied")
        after = service.load(tx, stored.id)
        assert (after.state, after.reason) == ("applied", None)
        with pytest.raises(Conflict):
            service.replay(tx, stored.id, lambda _stored, _raw: [])
        with pytest.raises(NotFound):
            service.load(tx, "x")
    with db.begin() as tx:
        row = tx.conn.execute(select(event)).one()
        assert row.applied_at == tx.now or row.applied_at <= tx.now
        assert row.headers == {"content-type": "application/json"}


def test_replay_under_new_maps_makes_it_applicable(db: Database) -> None:
    send(db, delivery("a", outcome="quarantined", reason="unknown_stage"))
    with db.begin() as tx:
        (before,) = service.find(tx, {}, None, 10)[0]
        after = service.replay(tx, before.id, lambda _stored, raw: [delivery("a")] if raw.body == b"{}" else [])
        assert (after.state, after.reason) == ("received", None)
        assert after.event == delivery("a").event
    assert counts(db) == (1, 1)


def test_a_body_with_holes_gets_its_true_key_when_it_can_be_read(db: Database) -> None:
    send(db, delivery("hash-of-it", outcome="quarantined", reason="bad_field: x"))
    with db.begin() as tx:
        (before,) = service.find(tx, {}, None, 10)[0]
        after = service.replay(tx, before.id, lambda _stored, _raw: [delivery("a")])
        assert (after.state, after.reason, after.delivery_key, after.external_id) == ("received", None, "a", "a")
    assert send(db, delivery("a")) == ["duplicate"]
    assert counts(db) == (1, 1)


def test_what_a_replayed_body_leaves_in_doubt_is_read_again(db: Database) -> None:
    doubt, other = Doubt("lead", "crm:L1", gone=True), Doubt("lead", "crm:L2")
    send(db, delivery("a", outcome="quarantined", reason="unknown_stage"), connection="crm")
    beside = replace(delivery("beside", outcome="ignored", reason="reread"), doubt=doubt)
    stranger = replace(delivery("stranger", outcome="ignored", reason="reread"), subject="lead:L2", doubt=other)
    with db.begin() as tx:
        (before,) = service.find(tx, {}, None, 10)[0]
        service.replay(tx, before.id, lambda _stored, _raw: [delivery("a"), beside, stranger])
    with db.read() as tx:
        rows = tx.conn.execute(select(message.c.key, message.c.payload).where(message.c.topic == "record.dirty")).all()
    assert [tuple(row) for row in rows] == [("lead:crm:L1", {"connection": "crm", "born": False, "gone": True})]


@pytest.mark.parametrize(("after", "due"), [(timedelta(hours=1), True), (timedelta(hours=-1), False), (None, False)])
def test_a_doubt_waits_until_asking_may_tell_something(db: Database, after: timedelta | None, due: bool) -> None:
    with db.begin() as tx:
        until = None if after is None else tx.now + after
        service.doubted(tx, "crm", Doubt("lead", "crm:L1", after=until))
        now = tx.now
    with db.read() as tx:
        [at] = tx.conn.execute(select(message.c.due_at)).scalars()
    assert at == (until if due else now)


def test_a_body_with_holes_that_came_again_meanwhile_is_a_copy(db: Database) -> None:
    send(db, delivery("hash-of-it", outcome="quarantined", reason="bad_field: x"), delivery("a"))
    with db.begin() as tx:
        (before,) = service.find(tx, {"state": "quarantined"}, None, 10)[0]
        (first,) = service.find(tx, {"state": "received"}, None, 10)[0]
        after = service.replay(tx, before.id, lambda _stored, _raw: [delivery("a")])
        assert (after.state, after.reason) == ("ignored", f"copy_of: {first.id}")
    assert counts(db) == (2, 1)


def test_another_body_under_a_known_key_keeps_its_place(db: Database) -> None:
    send(db, delivery("a"))
    send(db, delivery("a", "two"), quarantine_clash=True)
    with db.begin() as tx:
        (apart,) = service.find(tx, {"state": "quarantined"}, None, 10)[0]
        again = service.replay(tx, apart.id, lambda _stored, _raw: [delivery("b")])
        assert (again.state, again.delivery_key) == ("quarantined", "a")


def test_a_crowd_sending_the_same_stores_it_once(db: Database) -> None:
    keys = [f"e{number}" for number in range(12)]
    start = threading.Barrier(6)

    def one(seed: int) -> list[str]:
        shuffled = random.Random(seed).sample(keys, len(keys))
        start.wait()
        said = []
        for place in range(0, len(keys), 4):
            said += send(db, *[delivery(key) for key in shuffled[place : place + 4]])
        return said

    with ThreadPoolExecutor(6) as pool:
        said = [status for part in pool.map(one, range(6)) for status in part]
    assert said.count("accepted") == len(keys)
    assert counts(db) == (len(keys), len(keys))


def test_waiting_counts_up_to_a_limit(db: Database) -> None:
    send(db, delivery("a"), delivery("b"), delivery("c", outcome="ignored", reason="x"))
    with db.begin() as tx:
        assert service.waiting(tx, 10) == 2
        assert service.waiting(tx, 1) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@given(
    data=st.dictionaries(st.text(max_size=5), values, max_size=4),
    at=st.integers(0, 7_000_000_000_000_000).map(lambda micros: AT + timedelta(microseconds=micros - 10**15)),
    states_change=st.booleans(),
    types=st.lists(st.text(min_size=1), min_size=1, max_size=3),
    record=st.none() | st.builds(RecordRef, st.just("lead"), st.text(min_size=1)),
)
def test_the_stored_form_loses_nothing(data, at, states_change, types, record) -> None:
    import orjson

    fact = Event("s", "e", tuple(types), at, record, data, {"lead": data}, "crm", states_change, "zoe")
    assert event_from_json(orjson.loads(orjson.dumps(event_to_json(fact)))) == fact


def test_headers_are_kept_without_anything_secret() -> None:
    sent = {"X-Api-Key": "1", "Cookie": "1", "Webhook-Signature": "1", "Proxy-Authorization": "1", "X-Secret": "1",
            "Ce-Id": "1", "User-Agent": "x"}  # fmt: skip
    assert scrubbed(sent) == {"ce-id": "1", "user-agent": "x"}


def test_only_a_batch_is_taken_apart() -> None:
    two = [delivery("a"), delivery("b")]
    assert pieces(b'[{"id":1},{"id":2}]', "application/cloudevents-batch+json", two) == [
        (b'{"id":1}', "application/cloudevents+json"), (b'{"id":2}', "application/cloudevents+json"),
    ]  # fmt: skip
    assert pieces(b"<xml/>", "text/xml", two) == [(b"<xml/>", "text/xml")] * 2
    assert pieces(b'[{"id":1}]', "application/json", two[:1]) == [(b'[{"id":1}]', "application/json")]
