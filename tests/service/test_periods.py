"""Periods: the queue goes ahead while one holds, comes back by itself, and who waits longer is known before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import month_end, undo
from taskhub.db.tables import period
from taskhub.errors import Conflict, InvalidInput, NotFound
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import periods
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    shared = org.queue("front", mode="pull")
    apart = org.queue("apart", teams=("front",), staffing=Staffing("rotating", {"teams": ["front"]}))
    first = org.queue("arrival", order="fifo", mode="pull")
    kinds = [
        Kind("contract", LocalText("Contract"), "desk"), Kind("billing", LocalText("Billing"), "front"),
        Kind("other", LocalText("Other"), "apart"), Kind("post", LocalText("Post"), "arrival"),
    ]  # fmt: skip
    made = Desk(
        database_url, org.policies(queues=(org.queue("desk", lease_for=9 * HOUR), shared, apart, first), kinds=kinds)
    )
    made.staff("specialists", "ana", capacity=1)
    yield made
    made.db.close()


def put(desk: Desk, begin: datetime | None = None, hours: float = 4, ahead: float = 4, queue: str = "desk") -> Any:
    end = (begin or desk.clock.now) + hours * HOUR
    return desk.do("admin", lambda tx: month_end.put(tx, tx.policies.queues[queue], begin, end, ahead * HOUR))


def start_by(desk: Desk, id_: str) -> datetime | None:
    return desk.task(id_).start_by


def test_waiting_work_goes_ahead_in_business_time_and_comes_back(desk: Desk) -> None:
    one = desk.make("contract")
    plain = start_by(desk, one)
    put(desk)
    desk.drain()
    with desk.db.read() as tx:
        calendar = tx.policies.calendar_of("desk")
    assert plain is not None
    assert start_by(desk, one) == calendar.sub(plain, 4 * HOUR)
    assert desk.history(one, "reorder")[0]["change"]["why"] == "period"
    assert desk.task(one).version == 1
    desk.forward(hours=4)
    assert start_by(desk, one) == plain


def test_what_becomes_ready_inside_goes_ahead_and_after_it_does_not(desk: Desk) -> None:
    put(desk, desk.clock.now + HOUR, hours=1)
    before = desk.make("contract")
    plain = start_by(desk, before)
    desk.forward(hours=1)
    inside = desk.make("contract")
    assert start_by(desk, inside) == start_by(desk, before) + HOUR  # type: ignore[operator]
    assert start_by(desk, before) != plain
    desk.forward(hours=1)
    assert start_by(desk, before) == plain
    after = desk.make("contract")
    with desk.db.read() as tx:
        assert start_by(desk, after) == tx.policies.calendar_of("desk").add(desk.clock.now, 16 * HOUR)


def test_never_before_it_was_ready_so_that_what_is_due_to_start_keeps_its_place(desk: Desk) -> None:
    waits = desk.make("billing", priority=3)
    desk.forward(hours=2)
    put(desk, ahead=400)
    desk.drain()
    late = desk.make("contract", priority=3)
    assert start_by(desk, late) == desk.task(late).ready_at
    assert start_by(desk, waits) < start_by(desk, late)  # type: ignore[operator]


def test_nothing_moves_where_the_order_is_arrival(desk: Desk) -> None:
    one = desk.make("post")
    plain = start_by(desk, one)
    put(desk, queue="arrival")
    desk.drain()
    assert start_by(desk, one) == plain
    with desk.db.read() as tx:
        assert not month_end.preview(
            tx, tx.policies.queues["arrival"], tx.now + 9 * HOUR, tx.now + 10 * HOUR, HOUR
        ).moves


def test_many_tasks_are_moved_in_batches(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "BATCH", 3)
    ids = [desk.make("contract") for _ in range(8)]
    plain = {start_by(desk, id_) for id_ in ids}
    put(desk)
    desk.drain()
    assert plain.isdisjoint({start_by(desk, id_) for id_ in ids})
    desk.forward(hours=4)
    assert {start_by(desk, id_) for id_ in ids} == plain


def test_started_work_comes_back_to_the_place_that_holds_then(desk: Desk) -> None:
    id_, token = desk.started("ana", "contract")
    plain = start_by(desk, id_)
    put(desk)
    desk.drain()
    assert start_by(desk, id_) != plain
    desk.forward(hours=4)
    desk.do("ana", tasks.release, id_, "later", token)
    assert start_by(desk, id_) == plain


def test_the_preview_names_whom_it_passes_in_queues_that_share_people(desk: Desk) -> None:
    desk.make("contract")
    urgent = desk.make("billing", priority=2)
    passed = desk.make("billing")
    apart = desk.make("other")
    with desk.as_("worker") as tx:
        tx.conn.exec_driver_sql("UPDATE task SET state = 'queued', agent = NULL")
    desk.clock.forward(minutes=1)
    late = desk.make("contract")
    assert start_by(desk, late) > start_by(desk, passed)  # type: ignore[operator]
    with desk.db.read() as tx:
        queue = tx.policies.queues["desk"]
        found = month_end.preview(tx, queue, None, tx.now + 4 * HOUR, 2 * HOUR).overtaken
    assert found.tasks == [(passed, "front", 1)]
    assert found.queues == {"front": 1}
    assert found.moved == 2
    assert {urgent, apart}.isdisjoint({id_ for id_, _, _ in found.tasks})
    assert desk.rows(period) == []


def test_ended_by_hand_or_undone_everything_is_as_before(desk: Desk) -> None:
    one = desk.make("contract")
    plain = start_by(desk, one)
    made = put(desk)
    desk.drain()
    desk.clock.forward(hours=1)
    desk.do("admin", month_end.end, "desk", made.id)
    desk.drain()
    assert start_by(desk, one) == plain
    put(desk)
    desk.drain()
    assert start_by(desk, one) != plain
    with desk.db.read(org.ADMIN) as tx:
        newest = undo.list_acts(tx)[0]
    desk.do("admin", undo.undo, newest["id"])
    desk.drain()
    assert start_by(desk, one) == plain


def test_bad_periods_are_refused_with_what_is_wrong(desk: Desk) -> None:
    now = desk.clock.now

    def said(error: type[Exception] = InvalidInput, **named: Any) -> str:
        with pytest.raises(error) as refused:
            put(desk, **named)
        return str(refused.value.stable_code)  # type: ignore[attr-defined]

    assert said(hours=0) == "ends_before_begin"
    assert said(begin=now - HOUR) == "from_in_past"
    assert said(ahead=0) == said(ahead=721) == said(ahead=-1) == "ahead_out_of_range"
    assert said(hours=24 * 400) == "too_far_ahead"
    put(desk)
    assert said(Conflict, begin=now + 3 * HOUR) == "period_overlaps"
    put(desk, begin=now + 4 * HOUR)
    with pytest.raises(NotFound):
        desk.do("admin", month_end.end, "desk", "nope")
