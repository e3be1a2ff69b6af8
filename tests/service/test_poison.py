"""An event that cannot be applied: set aside with the reason, replayed by its own name or as a row, or given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.cli import findings
from taskhub.db import deaths, leftovers
from taskhub.db.ledger import Taken
from taskhub.db.tables import event, history, message
from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.events import forgetting, own
from taskhub.events import service as events
from taskhub.events.inbox import QUARANTINED
from taskhub.flow import HANDLERS
from taskhub.metrics.invariants import queries as invariants
from taskhub.metrics.scrape import queries as scrape
from taskhub.workers import run_due
from tests.service.desk import Desk
from tests.service.test_ingest import HEADERS, delivery
from tests.service.test_sla_policies import policies

REASON = "could_not_apply: ValueError: poison"


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    one = Desk(database_url, policies())
    yield one
    one.db.close()


def boom(_tx: Tx, _row: Taken) -> None:
    raise ValueError("poison")


POISON = {**HANDLERS, "event.apply": boom}


def send(desk: Desk, key: str = "a") -> str:
    with desk.db.begin() as tx:
        return events.ingest(tx, [delivery(key)], b"{}", HEADERS, "application/json")[0].event_id


def die(desk: Desk) -> str:
    id_ = send(desk)
    for _ in range(3):
        desk.clock.forward(minutes=5)
        run_due(desk.db, POISON)
    return id_


def dead(desk: Desk) -> list[int]:
    with desk.db.read() as tx:
        return [row["id"] for row in leftovers.dead(tx.conn)]


def stored(desk: Desk, id_: str) -> tuple[str, str | None]:
    with desk.db.read() as tx:
        one = events.load(tx, id_)
        return one.state, one.reason


def test_an_event_whose_row_dies_no_longer_waits_and_says_why(desk: Desk) -> None:
    id_ = die(desk)
    assert stored(desk, id_) == ("quarantined", REASON)
    desk.clock.forward(hours=3)
    with desk.db.read() as tx:
        assert events.waiting(tx, 10) == 0
        assert findings.intake(tx).state == findings.NOTE
        said = {sample.name: sample.value for sample in scrape.house(tx) if "inbox" in sample.name}
        assert set(said.values()) == {0}
        assert invariants.broken(tx.conn, tx.now, deep=True) == []
    with desk.db.begin() as tx:
        assert forgetting.forget_bodies(tx, QUARANTINED, tx.now, 10)[0] == 1


def test_one_that_dies_long_after_others_were_forgotten_is_forgotten_too(desk: Desk) -> None:
    id_ = send(desk)
    desk.clock.forward(hours=3)
    with desk.db.begin() as tx:
        assert forgetting.forget_bodies(tx, QUARANTINED, tx.now, 10)[0] == 0
    for _ in range(3):
        desk.clock.forward(minutes=5)
        run_due(desk.db, POISON)
    with desk.db.begin() as tx:
        assert forgetting.forget_bodies(tx, QUARANTINED, tx.now, 10)[0] == 1
    assert stored(desk, id_)[0] == "quarantined"


def test_one_whose_process_died_each_time_is_set_aside_as_well(desk: Desk) -> None:
    id_ = send(desk)
    ended = {"attempts": 3, "token": "gone"}
    with desk.db.begin() as tx:
        which = message.c.handler == "event.apply"
        tx.conn.execute(message.update().where(which).values(until=tx.now - timedelta(seconds=1), **ended))
    with desk.db.begin() as tx:
        assert deaths.bury(tx) == 1
        assert deaths.bury(tx) == 0
    assert stored(desk, id_) == ("quarantined", "could_not_apply: the process ended during the last try")


@pytest.mark.parametrize("read_again", [True, False])
@pytest.mark.parametrize("forgotten", [True, False])
def test_replaying_the_event_revives_its_row(desk: Desk, read_again: bool, forgotten: bool) -> None:
    id_ = die(desk)
    if forgotten:
        with desk.db.begin() as tx:
            forgetting.forget_bodies(tx, QUARANTINED, tx.now, 10)
    with desk.db.begin() as tx:
        again = events.replay(tx, id_, lambda _stored, _raw: [delivery("a")] if read_again else [])
    assert (again.state, again.reason, dead(desk)) == ("received", None, [])
    assert len(desk.rows(message, handler="event.apply")) == 1
    run_due(desk.db, HANDLERS)
    assert stored(desk, id_)[0] in ("applied", "ignored")
    with desk.db.begin() as tx, pytest.raises(Conflict):
        events.replay(tx, id_, lambda _stored, _raw: [])


def test_replaying_the_row_lets_the_event_be_received_again(desk: Desk) -> None:
    id_ = die(desk)
    (number,) = dead(desk)
    with desk.db.begin() as tx:
        assert deaths.replay(tx, number) is not None
        assert deaths.replay(tx, number) is None
    assert stored(desk, id_) == ("received", None)
    run_due(desk.db, HANDLERS)
    assert stored(desk, id_)[0] in ("applied", "ignored")


def test_a_row_that_is_given_up_is_dead_no_more_and_its_event_stays_set_aside(desk: Desk) -> None:
    id_ = die(desk)
    (number,) = dead(desk)
    with desk.db.begin() as tx:
        assert deaths.discard(tx, number, "the customer is gone") is not None
        assert deaths.discard(tx, number, "twice") is None
        assert deaths.replay(tx, number) is None
    (row,) = desk.rows(message, handler="event.apply")
    assert (row.dead_at, row.done_at == row.discarded_at, row.error[:10]) == (None, True, "ValueError")
    assert stored(desk, id_) == ("quarantined", REASON)
    with desk.db.read() as tx:
        assert findings.ledger(tx).state == findings.OK
        assert not [one for one in scrape.house(tx) if one.name == "taskhub_messages_dead"]
        said: Any = select(history.c.act, history.c.change).where(history.c.noun == "message")
        assert [tuple(one) for one in tx.conn.execute(said)] == [
            ("discard", {"handler": "event.apply", "key": id_, "reason": "the customer is gone"})
        ]
    with desk.db.begin() as tx:
        events.replay(tx, id_, lambda _stored, _raw: [])
    run_due(desk.db, HANDLERS)
    assert stored(desk, id_)[0] in ("applied", "ignored")


def test_what_was_given_up_is_forgotten_like_what_is_done(desk: Desk) -> None:
    die(desk)
    (number,) = dead(desk)
    with desk.db.begin() as tx:
        deaths.discard(tx, number, "no")
    desk.clock.forward(hours=3)
    with desk.db.begin() as tx:
        assert leftovers.count_done(tx.conn, tx.now) >= 1
        leftovers.forget(tx.conn, tx.now, limit=100)
    assert desk.rows(message, handler="event.apply") == []


def test_an_act_that_is_taken_back_does_not_come_back_by_a_replay(desk: Desk) -> None:
    id_ = die(desk)
    with desk.db.begin() as tx:
        own.call_off(tx, [id_])
    (number,) = dead(desk)
    with desk.db.begin() as tx:
        deaths.replay(tx, number)
    run_due(desk.db, HANDLERS)
    assert stored(desk, id_) == ("ignored", "undone")


def test_an_event_in_somebodys_hands_is_buried_the_next_time(postgres_url: str) -> None:
    desk = Desk(postgres_url, policies())
    with closing(desk.db):
        id_ = send(desk)
        with desk.db.begin() as tx:
            ended = {"attempts": 3, "token": "gone", "until": tx.now - timedelta(seconds=1)}
            tx.conn.execute(message.update().where(message.c.handler == "event.apply").values(ended))
        with desk.db.begin() as held:
            held.conn.execute(select(event).where(event.c.id == id_).with_for_update())
            with desk.db.begin() as tx:
                assert deaths.bury(tx) == 0
        with desk.db.begin() as tx:
            assert deaths.bury(tx) == 1
        assert stored(desk, id_)[0] == "quarantined"
