"""What falls due: never early, once, in due order, also when everything was down in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert

from taskhub.assignment import service as assignment
from taskhub.calendars import parse_target
from taskhub.db.tables import message, pause
from taskhub.policy.promise import SlaPolicy
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import queries, store, timers
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def policies() -> Any:
    front = org.queue("front", teams=("front",), mode="pull", staffing=Staffing("rotating"), hold_for=2 * HOUR)
    quick = org.queue("quick", teams=("front",), mode="pull", staffing=Staffing("rotating"), on_idle="return")
    kinds = [
        Kind("billing", LocalText("Billing"), "front", sla="standard"),
        Kind("ticket", LocalText("Ticket"), "quick", sla="standard"),
        Kind("reply", LocalText("Reply"), "front", sla="both"),
        Kind("long", LocalText("Long"), "front", expected_minutes=60),
    ]
    both = SlaPolicy("both", parse_target("4h"), first_start=parse_target("1h"), warn_at=(0.5, 0.75))
    return org.policies(
        queues=[front, quick], kinds=kinds,
        sla={
            "standard": SlaPolicy("standard", parse_target("4h")), "both": both,
            "since": SlaPolicy("since", parse_target("4h"), sla_from="occurred_at"),
        },
    )  # fmt: skip


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


@pytest.fixture
def lite(sqlite_url: str) -> Iterator[Desk]:
    yield from _desk(sqlite_url)


def _desk(url: str) -> Iterator[Desk]:
    made = Desk(url, policies())
    made.staff("front", "ana", "bob")
    yield made
    made.db.close()


def falls(desk: Desk, id_: str) -> list[tuple[str, str, str]]:
    """What fell due, in the order of the history: act, target, when it was due."""
    rows = desk.history(id_, "sla.warned", "sla.breached")
    return [(row["act"], row["change"]["target"], row["change"]["due"]) for row in rows]


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_clock_warns_and_breaches_once_and_never_early(desk: Desk) -> None:
    id_ = desk.make()
    assert desk.timers("task.clock", id_) == [at(12)]
    desk.clock.now = at(12) - TICK
    desk.drain()
    assert falls(desk, id_) == []
    desk.clock.now = at(12)
    desk.drain()
    assert (falls(desk, id_), desk.task(id_).sla_state) == (
        [("sla.warned", "completion", at(12).isoformat())], "at_risk",
    )  # fmt: skip
    assert desk.timers("task.clock", id_) == [at(13)]
    desk.clock.now = at(13) - TICK
    desk.drain()
    assert len(falls(desk, id_)) == 1
    desk.clock.now = at(13)
    desk.drain()
    assert desk.task(id_).sla_state == "breached"
    desk.forward(days=9)
    assert falls(desk, id_)[1:] == [("sla.breached", "completion", at(13).isoformat())]
    assert (desk.clock_of(id_).warned_at, desk.clock_of(id_).breached_at) == (at(12), at(13))
    assert desk.timers("task.clock", id_) == []


def test_after_an_outage_everything_overdue_falls_once_in_due_order(desk: Desk) -> None:
    id_ = desk.make("reply")
    desk.forward(days=3)
    when = [at(9, 30), at(9, 45), at(10), at(11), at(12), at(13)]
    acts = ["warned", "warned", "breached"] * 2
    targets = ["first_start"] * 3 + ["completion"] * 3
    assert falls(desk, id_) == [
        (f"sla.{act}", target, due.isoformat()) for act, target, due in zip(acts, targets, when, strict=True)
    ]
    assert [row.done_at for row in desk.rows(message, handler="escalation.fall", key=id_)] == [desk.clock.now] * 6


def test_clocks_looked_at_together_fall_as_they_would_one_by_one(desk: Desk) -> None:
    alone, together = ([_one_of(desk, number) for number in range(6)] for _ in range(2))
    for since in (3 * HOUR + MINUTE, 2 * HOUR):
        desk.clock.forward(seconds=since.total_seconds())
        for id_ in alone:
            desk.do("worker", timers.clock_due, id_)
        assert desk.do("worker", timers.clocks_due, [*together, "unknown", together[0]])
        assert [_seen(desk, id_) for id_ in together] == [_seen(desk, id_) for id_ in alone]
    assert {len(falls(desk, id_)) for id_ in together} == {0, 2, 6}


def test_pauses_read_ahead_keep_their_order_when_they_begin_at_the_same_instant(desk: Desk) -> None:
    id_ = desk.make()
    with desk.db.begin() as tx:
        row = {"task": id_, "from_at": tx.now, "to_at": tx.now, "reason": "lunch", "by": "ana", "stops_clock": True}
        for number in (1002, 1001):
            tx.conn.execute(insert(pause).values(id=number, **row))
    with desk.db.begin() as tx:
        one_by_one = store.pauses(tx, id_)
        queries.lock_ahead(tx, [id_])
        assert store.pauses(tx, id_) == one_by_one


def _one_of(desk: Desk, number: int) -> str:
    """Of several kinds; some done, some cancelled."""
    id_ = desk.make(("billing", "reply")[number % 2])
    if number >= 4:
        desk.do("admin", tasks.cancel, id_, "not needed")
    return id_


def _seen(desk: Desk, id_: str) -> Any:
    clock, task = desk.clock_of(id_), desk.task(id_)
    return (
        falls(desk, id_),
        task.sla_state,
        task.seq,
        clock.warned_at,
        clock.breached_at,
        desk.timers("task.clock", id_),
    )


def test_a_second_look_finds_nothing_new(lite: Desk) -> None:
    id_ = lite.make()
    lite.forward(hours=3)
    for _ in range(3):
        lite.do("worker", timers.clock_due, id_)
    assert len(falls(lite, id_)) == 1


def test_the_first_start_is_met_by_starting(desk: Desk) -> None:
    id_ = desk.make("reply")
    desk.clock.now = at(9, 40)
    desk.claim("ana")
    assert desk.clock_of(id_, "first_start").met_at == at(9, 40)
    desk.forward(hours=1)
    assert falls(desk, id_) == []


def test_work_done_in_time_is_met_and_late_work_met_late(desk: Desk) -> None:
    in_time, token = desk.started("ana")
    late, other = desk.started("bob")
    desk.do("ana", tasks.complete, in_time, token)
    desk.forward(hours=5)
    assert other != desk.do("bob", tasks.resume, late)[1].token  # the lease had ended meanwhile
    desk.do("bob", tasks.complete, late, desk.token(late))
    assert (desk.task(in_time).sla_state, desk.task(late).sla_state) == ("met", "met_late")
    assert desk.timers("task.clock", in_time) == []


def test_a_clock_that_lost_its_timer_is_found_by_the_next_change(lite: Desk) -> None:
    id_ = lite.make()
    with lite.db.begin() as tx:
        tx.conn.execute(delete(message))
    lite.do("admin", tasks.patch, id_, 1, {"priority": "high"})
    assert lite.timers("task.clock", id_) == [at(12)]


@pytest.mark.parametrize(("facts", "due"), [
    ({"sla": "standard"}, at(13)), ({"sla": "since"}, at(12)), ({"sla": "standard", "sla_from": "occurred_at"}, at(12)),
])  # fmt: skip
def test_a_rule_or_a_promise_may_count_from_when_it_happened(lite: Desk, facts: dict[str, Any], due: datetime) -> None:
    lite.clock.now = at(9)
    happened = datetime(2026, 2, 27, 16, tzinfo=UTC)  # the last open hour of Friday
    assert lite.task(lite.make(occurred_at=happened, **facts)).due_at == due


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_lease_that_ends_holds_the_work_for_its_person(desk: Desk) -> None:
    id_, token = desk.started("ana")
    ends = desk.lease(id_).expires_at
    assert ends == at(9, 30)  # twice the expected fifteen minutes
    desk.clock.now = ends - TICK
    desk.drain()
    assert desk.task(id_).state == "in_progress"
    desk.clock.now = ends
    desk.drain()
    held = desk.task(id_)
    assert (held.state, held.agent, held.paused_reason, held.paused_until) == ("paused", "ana", "set_aside", at(11, 30))
    assert (desk.lease(id_), held.due_at, held.version) == (None, at(13), 3)
    assert desk.timers("escalation.held", id_) == [at(11, 30)]
    with pytest.raises(Exception, match="Your hold on this task has ended"):
        desk.do("ana", tasks.complete, id_, token)
    desk.forward(hours=2)
    assert desk.claim("ana").task.id == id_
    assert desk.token(id_) > token


def test_where_the_queue_says_so_the_work_waits_for_anybody(desk: Desk) -> None:
    id_, token = desk.started("ana", "ticket")
    place = desk.task(id_).start_by
    desk.clock.now = desk.lease(id_).expires_at
    desk.drain()
    back = desk.task(id_)
    assert (back.state, back.agent, back.start_by, back.started_at) == ("queued", None, place, at(9))
    assert desk.history(id_, "expire")[0]["change"]["by_whom"] == "ana"
    claim = desk.claim("bob")
    assert (claim.task.id, claim.lease.token > token) == (id_, True)


def test_a_prolonged_lease_is_looked_at_again_at_its_new_end(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.clock.now = at(9, 20)
    desk.do("ana", tasks.renew, id_, token)
    desk.clock.now = at(9, 30)
    desk.drain()
    assert desk.task(id_).state == "in_progress"
    assert desk.timers("task.lease", id_) == [at(9, 50)]
    desk.clock.now = at(9, 50)
    desk.drain()
    assert desk.task(id_).state == "paused"


def test_a_lease_lasts_twice_the_expected_time(lite: Desk) -> None:
    lite.make("long")
    assert lite.claim("ana").lease.expires_at == at(11)


def test_after_a_gap_every_live_lease_gets_a_new_term(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.clock.now = at(10)
    lite.do("worker", timers.grace)
    lite.drain()
    assert (lite.task(id_).state, lite.token(id_)) == ("in_progress", token)
    assert lite.timers("task.lease", id_) == [at(10, 30)]


def test_the_new_term_of_a_lease_is_its_own(desk: Desk) -> None:
    short, long, other = (desk.started(*whose)[0] for whose in (("ana", "billing"), ("ana", "long"), ("bob", "long")))
    desk.clock.now = at(10, 50)
    desk.do("bob", tasks.renew, other, desk.token(other))
    desk.clock.now = at(12)
    desk.do("worker", timers.grace)
    desk.do("worker", timers.grace)
    ends = [lease.expires_at for lease in map(desk.lease, (short, long, other)) if lease is not None]
    assert ends == [at(12, 30), at(14), at(14)]
    desk.clock.now = at(12, 30)
    desk.drain()
    assert [desk.task(id_).state for id_ in (short, long, other)] == ["paused", "in_progress", "in_progress"]


# ── snoozes, blocks ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_snooze_ends_at_its_date_and_tops_the_list(desk: Desk) -> None:
    id_, token = desk.started("ana")
    desk.do("ana", tasks.pause, id_, "waiting_customer", at(11), token)
    other = desk.make()
    desk.do("admin", assignment.assign, other, "ana")
    desk.clock.now = at(11) - TICK
    desk.drain()
    assert desk.task(id_).due_at is None
    desk.clock.now = at(11)
    desk.drain()
    ended = desk.task(id_)
    assert (ended.state, ended.paused_until, ended.due_at, ended.sla_state) == ("paused", at(11), at(15), "on_track")
    assert desk.timers("task.clock", id_) == [at(14)]
    assert desk.claim("ana").task.id == id_
    assert desk.claim("ana").task.id == other
    assert len(desk.history(id_, "wake")) == 1


def test_a_new_pause_moves_the_date(lite: Desk) -> None:
    id_, token = lite.started("ana")
    lite.do("ana", tasks.pause, id_, "waiting_customer", at(10), token)
    _, lease = lite.do("ana", tasks.resume, id_)
    lite.do("ana", tasks.pause, id_, "waiting_customer", at(12), lease.token)
    lite.clock.now = at(10)
    lite.drain()
    assert lite.task(id_).due_at is None
    assert lite.timers("task.snooze", id_) == [at(12)]


def test_delayed_work_becomes_ready_at_its_date(desk: Desk) -> None:
    id_ = desk.make(delay=2 * HOUR)
    assert (desk.task(id_).state, desk.task(id_).blocked_until, desk.clock_of(id_)) == ("blocked", at(11), None)
    desk.clock.now = at(11) - TICK
    desk.drain()
    assert desk.task(id_).state == "blocked"
    assert desk.claim("ana").reason == "nothing_eligible"
    desk.clock.now = at(11)
    desk.drain()
    ready = desk.task(id_)
    assert (ready.state, ready.ready_at, ready.due_at, ready.blocked_until) == ("queued", at(11), at(15), None)
    assert desk.timers("task.clock", id_) == [at(14)]
    assert desk.claim("ana").task.id == id_


def test_a_date_that_comes_while_others_are_waited_for_releases_nothing(desk: Desk) -> None:
    first = desk.make(file="F")
    second = desk.make("reply", file="F", waits_for=("billing",), delay=HOUR)
    desk.forward(hours=2)
    assert (desk.task(second).state, desk.task(second).blocked_by) == ("blocked", [first])
    desk.do("admin", tasks.cancel, first, "not wanted")
    desk.drain()
    assert (desk.task(second).state, desk.task(second).ready_at) == ("queued", desk.clock.now)


def test_others_that_end_before_the_date_release_nothing(desk: Desk) -> None:
    first = desk.make(file="F")
    second = desk.make("reply", file="F", waits_for=("billing",), delay=HOUR)
    desk.do("admin", tasks.cancel, first, "not wanted")
    desk.drain()
    assert (desk.task(second).state, desk.task(second).blocked_by) == ("blocked", [])
    desk.forward(hours=1)
    assert desk.task(second).state == "queued"


def test_timers_of_what_has_ended_do_nothing(lite: Desk) -> None:
    delayed, (paused, token) = lite.make(delay=HOUR), lite.started("ana")
    lite.do("ana", tasks.pause, paused, "waiting_customer", at(10), token)
    for id_ in (delayed, paused):
        lite.do("admin", tasks.cancel, id_, "not wanted")
    lite.forward(days=1)
    for id_ in (delayed, paused):
        assert lite.history(id_)[-1]["act"] == "cancel"
