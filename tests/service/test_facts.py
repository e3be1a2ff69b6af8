"""What decisions see of people: caps, minutes, loans, ramps, front-line work, shares, ledgers; and who learns what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import presence
from taskhub.agents import service as agents
from taskhub.assignment import needs, passes, store
from taskhub.assignment import service as assignment
from taskhub.assignment.model import AgentFacts
from taskhub.db.tables import fairness, learnt, loan
from taskhub.errors import AtCapacity, InvalidInput
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)
DEAR = frozenset(
    {needs.GIVEN_TODAY, needs.FRONT_LINE, needs.SHARE, needs.IDLE, needs.MINUTES, needs.KINDS, needs.LEDGER}
)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    queues = [
        org.queue("bills", teams=("front",), mode="pull", calendar="always", staffing=Staffing("rotating")),
        org.queue("push", teams=("front",), calendar="always", staffing=Staffing("rotating")),
        org.queue("calls", teams=("front",), calendar="always", mode="pull", front_line=True,
                  staffing=Staffing("dedicated")),
        org.queue("other", teams=("specialists",), calendar="always", staffing=Staffing("dedicated")),
    ]  # fmt: skip
    kinds = [
        Kind("billing", LocalText("Billing"), "bills", expected_minutes=20),
        Kind("offer", LocalText("Offer"), "bills", level=4, expected_minutes=10),
        Kind("order", LocalText("Order"), "push"),
        Kind("call", LocalText("Call"), "calls"),
        Kind("contract", LocalText("Contract"), "other"),
    ]
    made = Desk(database_url, org.policies(queues=queues, kinds=kinds))
    yield made
    made.db.close()


def seen(desk: Desk, key: str, wanted: frozenset[str] = DEAR) -> AgentFacts:
    with desk.db.read() as tx:
        found = store.people(tx, ("front", "specialists"), [], tx.now - 9 * HOUR, [], wanted)
    return next(one for one in found if one.key == key)


def do(desk: Desk, who: str, kind: str, minutes: float) -> str:
    """That person does one task of the kind in so many minutes."""
    id_, token = desk.started(who, kind)
    desk.clock.forward(minutes=minutes)
    desk.do(who, tasks.complete, id_, token)
    return id_


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_cap_of_a_queue_holds_for_claims_and_gifts(desk: Desk) -> None:
    desk.staff("front", "ana", queue_caps={"bills": 1}, capacity=5)
    first, second = desk.make(), desk.make()
    assert desk.claim("ana", ["bills"]).task.id == first
    assert desk.claim("ana", ["bills"]).reason == "nothing_eligible"
    with pytest.raises(AtCapacity) as full:
        desk.do("admin", assignment.assign, second, "ana")
    assert (full.value.fields["queue"], full.value.fields["capacity"]) == ("bills", 1)
    call = desk.make("call")
    assert desk.claim("ana").task.id == call
    assert seen(desk, "ana").held_by_queue == {"bills": 1, "calls": 1}


def test_minutes_as_the_unit_of_capacity(desk: Desk) -> None:
    desk.staff("front", "ana", capacity_minutes=30, capacity=10)
    for _ in range(3):
        desk.make()
    assert [desk.claim("ana").reason for _ in range(3)] == [None, None, "at_capacity"]
    with pytest.raises(AtCapacity) as full:
        desk.do("admin", assignment.assign, desk.make("order"), "ana")
    assert (full.value.fields["held_minutes"], full.value.fields["capacity_minutes"]) == (40, 30)
    assert seen(desk, "ana").held_minutes == 40


def test_lowering_a_capacity_takes_nothing_away(desk: Desk) -> None:
    desk.staff("front", "ana")
    held = [desk.started("ana")[0] for _ in range(3)]
    desk.do("admin", agents.patch_agent, "ana", {"capacity": 1, "queue_caps": {"bills": 1}})
    desk.drain()
    assert [desk.task(id_).state for id_ in held] == ["in_progress"] * 3
    desk.make()
    assert desk.claim("ana").reason == "at_capacity"


def test_a_cap_names_a_queue_that_is_there(desk: Desk) -> None:
    desk.staff("front", "ana")
    for caps, words in (({"bils": 2}, "did you mean bills?"), ({"bills": 0}, "from 1 to 1000")):
        with pytest.raises(InvalidInput, match=words):
            desk.do("admin", agents.patch_agent, "ana", {"queue_caps": caps})


# ── loans ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def lend(desk: Desk, agent: str, queue: str, **span: float) -> None:
    row = {"id": f"{agent}-{queue}", "queue": queue, "agent": agent, "by": "test", "at": desk.clock.now}
    with desk.db.begin() as tx:
        until = tx.now + timedelta(**span)
        tx.conn.execute(loan.insert().values(row | {"from_at": tx.now, "until_at": until}))


def test_a_loan_brings_people_of_other_teams_for_its_time(desk: Desk) -> None:
    desk.staff("front", "ana")
    desk.staff("specialists", "sue", capacity=1)
    desk.started("sue")
    task = desk.make("contract")
    desk.drain()
    assert desk.task(task).waiting_reasons == ["at_capacity"]
    lend(desk, "ana", "other", hours=2)
    desk.do("worker", passes.run, "other")
    assert desk.task(task).agent == "ana"
    desk.clock.forward(hours=2)
    later = desk.make("contract")
    desk.drain()
    assert desk.task(later).agent == "sue"  # whose lease has ended meanwhile


def test_a_lent_person_is_filled_when_they_have_room(desk: Desk) -> None:
    desk.staff("front", "ana", capacity=1)
    desk.staff("specialists", "sue", capacity=1)
    lend(desk, "ana", "other", hours=9)
    ids = [desk.make("contract") for _ in range(3)]
    desk.drain()
    assert sorted(desk.task(id_).state for id_ in ids) == ["assigned", "assigned", "queued"]
    (mine,) = [id_ for id_ in ids if desk.task(id_).agent == "ana"]
    token = desk.do("ana", tasks.start, mine)[1].token
    desk.do("ana", tasks.complete, mine, token)
    desk.drain()
    assert {desk.task(id_).agent for id_ in ids if id_ != mine} == {"ana", "sue"}


# ── back from leave ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("ramp", "fits"), [(None, 2), (timedelta(), 4), (timedelta(hours=5), 2)])
def test_two_people_back_from_leave_are_not_flooded(desk: Desk, ramp: timedelta | None, fits: int) -> None:
    desk.staff("front", "ana", "bob", capacity=4)
    back = desk.clock.now + 24 * HOUR
    for name in ("ana", "bob"):
        desk.do("admin", agents.add_absence, name, desk.clock.now, back, None, ramp)
    ids = [desk.make("order") for _ in range(20)]
    desk.drain()
    assert {desk.task(id_).state for id_ in ids} == {"queued"}
    desk.forward(hours=24)
    assert sorted(desk.task(id_).agent or "" for id_ in ids)[-2 * fits - 1 :] == ["", *["ana"] * fits, *["bob"] * fits]
    desk.forward(hours=5)
    assert sum(desk.task(id_).agent is not None for id_ in ids) == 8


def test_whoever_said_they_are_out_ramps_up_too_when_they_come_back_early(desk: Desk) -> None:
    desk.staff("front", "ana", capacity=4)
    desk.do("ana", presence.set_presence, "ana", "away", desk.clock.now + 48 * HOUR)
    desk.clock.forward(hours=20)
    desk.do("ana", presence.set_presence, "ana", "available")
    assert (seen(desk, "ana").ramp_until, seen(desk, "ana").ramp_share) == (desk.clock.now + 2 * HOUR, 0.5)
    for _ in range(3):
        desk.make()
    assert [desk.claim("ana").reason for _ in range(3)] == [None, None, "at_capacity"]
    desk.clock.forward(hours=2)
    assert desk.claim("ana").task is not None


def test_lunch_needs_no_ramp(desk: Desk) -> None:
    desk.staff("front", "ana")
    desk.do("ana", presence.set_presence, "ana", "away", desk.clock.now + HOUR)
    desk.clock.forward(hours=1)
    assert seen(desk, "ana").ramp_until is None


# ── front line first, and a part of the day ──────────────────────────────────────────────────────────────────────────
def test_a_call_that_waits_comes_before_back_office_work(desk: Desk) -> None:
    desk.staff("front", "ana")
    desk.staff("front", "bob", skills={"billing": 3, "order": 3})
    call, order, bill = desk.make("call"), desk.make("order"), desk.make()
    desk.drain()
    assert desk.task(order).agent == "bob"  # who cannot take calls
    assert seen(desk, "ana").front_line_waiting
    assert not seen(desk, "bob").front_line_waiting
    assert desk.claim("ana", ["bills"]).reason == "nothing_eligible"
    assert desk.claim("ana").task.id == call
    assert desk.claim("ana").task.id == bill


def test_the_share_of_a_shift_that_is_used(desk: Desk) -> None:
    desk.staff("front", "ana", shifts={"mon": ["08:00-10:00"]}, capacity=9)
    assert seen(desk, "ana").share_served == 0
    do(desk, "ana", "billing", 5)
    desk.started("ana", "call")
    desk.started("ana", "offer")
    assert seen(desk, "ana").share_served == pytest.approx(30 / 120)
    assert seen(desk, "ana").kinds_today == {"billing": 1, "call": 1, "offer": 1}


def test_dear_facts_are_left_out_where_nobody_asks(desk: Desk) -> None:
    desk.staff("front", "ana")
    do(desk, "ana", "billing", 5)
    plain = seen(desk, "ana", frozenset())
    assert (plain.idle_since, plain.ledger, plain.minutes_by_kind, plain.kinds_today) == (None, {}, {}, {})


# ── what finished work teaches ───────────────────────────────────────────────────────────────────────────────────────
def test_minutes_are_learnt_per_kind_and_person_without_pauses(desk: Desk) -> None:
    desk.staff("front", "ana", "bob")
    id_, token = desk.started("ana")
    desk.clock.forward(minutes=10)
    desk.do("ana", tasks.pause, id_, "waiting_customer", None, token)
    desk.clock.forward(hours=3)
    token = desk.do("ana", tasks.resume, id_)[1].token
    desk.clock.forward(minutes=20)
    desk.do("ana", tasks.complete, id_, token)
    desk.drain()
    rows = {row.agent: (row.n, row.minutes) for row in desk.rows(learnt, kind="billing")}
    assert rows == {"": (1, 30.0), "ana": (1, 30.0)}
    kind = (5 * 20 + 30) / 6
    assert seen(desk, "bob").minutes_by_kind == {"billing": pytest.approx(kind)}
    assert seen(desk, "ana").minutes_by_kind == {"billing": pytest.approx((8 * kind + 30) / 9)}
    desk.started("ana")
    assert seen(desk, "ana").load_minutes == pytest.approx((8 * kind + 30) / 9)
    assert desk.task(id_).minutes == 20


def test_one_odd_task_moves_little_and_nobody_learns_from_work_of_others(desk: Desk) -> None:
    desk.staff("front", "ana", "bob")
    do(desk, "ana", "billing", 5000)
    id_, token = desk.started("ana")
    desk.clock.forward(minutes=10)
    desk.do("ana", assignment.hand_over, id_, "bob", None, token)
    token = desk.do("bob", tasks.start, id_)[1].token
    desk.clock.forward(minutes=10)
    desk.do("bob", tasks.complete, id_, token)
    desk.drain()
    rows = {row.agent: (row.n, row.minutes) for row in desk.rows(learnt, kind="billing")}
    assert rows == {"": (2, 50.0), "ana": (1, 80.0)}


def test_the_ledger_counts_what_is_done_once_and_what_is_in_hand_until_then(desk: Desk) -> None:
    desk.staff("front", "ana", time_zone="Asia/Tokyo")  # 18:00 there
    id_, token = desk.started("ana", "offer")
    hand = seen(desk, "ana").ledger
    assert hand == {"tasks": 1, "minutes": 10, "hard": 1, "late": 1}
    desk.clock.forward(minutes=30)
    desk.do("ana", tasks.complete, id_, token)
    desk.drain()
    (row,) = desk.rows(fairness)
    assert (row.agent, row.on, row.tasks, row.minutes, row.hard, row.late) == ("ana", "2026-03-02", 1, 30, 1, 1)
    desk.do("admin", assignment.reopen, id_, "not finished")
    desk.do("admin", assignment.assign, id_, "ana") if desk.task(id_).state == "queued" else None
    token = desk.do("ana", tasks.start, id_)[1].token
    desk.clock.forward(minutes=7)
    desk.do("ana", tasks.complete, id_, token)
    desk.drain()
    again = desk.rows(fairness)
    assert (sum(row.tasks for row in again), sum(row.minutes for row in again)) == (1, 37)


def test_given_back_work_leaves_no_trace_in_the_ledger(desk: Desk) -> None:
    desk.staff("front", "ana")
    id_, token = desk.started("ana")
    desk.do("ana", tasks.release, id_, "no time", token)
    desk.drain()
    assert seen(desk, "ana").ledger == {}
    assert desk.count(fairness) == 0


def test_credit_is_less_for_part_time_leave_and_newcomers(desk: Desk) -> None:
    desk.staff("front", "ana", "bob")
    desk.staff("front", "cid", hours_per_week=20)
    desk.clock.forward(days=91)
    desk.staff("front", "new")
    desk.do("admin", agents.add_absence, "bob", desk.clock.now, desk.clock.now + 13 * 24 * HOUR)
    desk.clock.forward(days=13)
    credit = {name: round(seen(desk, name).credit, 3) for name in ("ana", "bob", "cid", "new")}
    assert credit == {"ana": 1.0, "bob": round(78 / 91, 3), "cid": 0.5, "new": round(13 / 91, 3)}


def test_who_has_been_idle_since_when(desk: Desk) -> None:
    desk.staff("front", "ana", "bob")
    do(desk, "ana", "billing", 5)
    ended = desk.clock.now
    desk.clock.forward(minutes=5)
    assert (seen(desk, "ana").idle_since, seen(desk, "bob").idle_since) == (ended, None)


# ── customers ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_tasks_know_their_customer_and_who_served_them_last(desk: Desk) -> None:
    desk.staff("front", "ana", "bob")
    first = desk.make("order", record="deal:7")
    assert desk.task(first).customer == "deal:7"
    desk.drain()
    who: Any = desk.task(first).agent
    token = desk.do(who, tasks.start, first)[1].token
    desk.do(who, tasks.complete, first, token)
    with desk.db.read() as tx:
        assert store.served_by(tx, {"deal:7", "deal:8"}) == {"deal:7": who}
