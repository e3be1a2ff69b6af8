"""What a manager has cancelled or ended comes back by undo, checked like anything new, until its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import leaving, lending, month_end, staffing, undo
from taskhub.db.tables import history, loan, period
from taskhub.db.tables import staffing as switches
from taskhub.errors import Conflict
from taskhub.policy.work import Staffing
from taskhub.queues import service as queues
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    front = org.queue("front", teams=("front",), staffing=Staffing("rotating", {"teams": ["front"]}))
    made = Desk(database_url, org.policies(queues=(org.queue("desk", calendar="always"), front)))
    made.staff("specialists", "ana")
    made.staff("front", "zoe")
    made.drain()
    yield made
    made.db.close()


def acts(desk: Desk) -> list[dict[str, Any]]:
    with desk.db.read(org.ADMIN) as tx:
        return undo.list_acts(tx)


def take_back(desk: Desk) -> Any:
    return desk.do("admin", undo.undo, acts(desk)[0]["id"])


def tick(desk: Desk) -> None:
    desk.clock.forward(seconds=1)


def planned(desk: Desk) -> Any:
    asked = {"model": "rotating", "params": {"teams": ["specialists"]}, "strategy": "round_robin"}
    at = desk.clock.now + 2 * HOUR
    made, _ = desk.do("admin", lambda tx: staffing.switch(tx, tx.policies.queues["desk"], asked, at))
    tick(desk)
    return made


def lent(desk: Desk, begin: Any = None) -> Any:
    end = desk.clock.now + 4 * HOUR
    made, _ = desk.do("admin", lambda tx: lending.lend(tx, "zoe", queues.named(tx, "desk"), begin, end))
    tick(desk)
    return made


# ── switches ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_cancelled_switch_is_planned_again(desk: Desk) -> None:
    made = planned(desk)
    desk.do("admin", queues.cancel_switch, "desk", made.id)
    assert (desk.rows(switches), desk.timers("queue.switch", made.id)) == ([], [])
    take_back(desk)
    with desk.db.read() as tx:
        assert queues.planned(tx, ["desk"]) == [made]
    assert desk.timers("queue.switch", made.id) == [made.effective_at]
    desk.forward(hours=2)
    with desk.db.read() as tx:
        assert queues.as_served(tx, [tx.policies.queues["desk"]])[0].staffing.model == "rotating"


def test_a_cancelled_switch_stays_cancelled_once_its_time_has_come(desk: Desk) -> None:
    made = planned(desk)
    desk.do("admin", queues.cancel_switch, "desk", made.id)
    desk.forward(hours=2)
    assert (acts(desk)[0]["can_undo"], acts(desk)[0]["why_not"]) == (False, "moved_on")
    with pytest.raises(Conflict) as late:
        take_back(desk)
    assert late.value.stable_code == "moved_on"


# ── loans ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("begun", [True, False])
def test_an_ended_loan_goes_on(desk: Desk, begun: bool) -> None:
    made = lent(desk, None if begun else desk.clock.now + HOUR)
    desk.do("admin", lending.end, "zoe", made.id)
    desk.drain()
    tick(desk)
    take_back(desk)
    (row,) = desk.rows(loan)
    assert (row.id, row.from_at, row.until_at) == (made.id, made.from_at, made.until_at)
    assert desk.timers("queue.lend_over", made.id) == [made.until_at]
    desk.forward(hours=5)
    assert desk.timers("queue.lend_over", made.id) == []


def test_an_ended_loan_stays_ended_where_another_took_its_place(desk: Desk) -> None:
    made = lent(desk)
    desk.do("admin", lending.end, "zoe", made.id)
    ended = acts(desk)[0]["id"]
    tick(desk)
    other = lent(desk)
    with pytest.raises(Conflict) as refused:
        desk.do("admin", undo.undo, ended)
    assert refused.value.stable_code == "already_lent"
    assert {row.id: row.until_at > desk.clock.now for row in desk.rows(loan)} == {made.id: False, other.id: True}


def test_a_loan_into_a_closed_queue_is_not_taken_up_again(desk: Desk) -> None:
    made = lent(desk)
    desk.do("admin", lending.end, "zoe", made.id)
    ended = acts(desk)[0]["id"]
    tick(desk)
    desk.do("admin", lambda tx: queues.stop(tx, tx.policies.queues["desk"], "close", "moved"))
    with pytest.raises(Conflict) as refused:
        desk.do("admin", undo.undo, ended)
    assert refused.value.stable_code == "queue_closed"


# ── periods ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("begun", [True, False])
def test_an_ended_period_goes_on(desk: Desk, begun: bool) -> None:
    begin, end = None if begun else desk.clock.now + HOUR, desk.clock.now + 4 * HOUR
    made = desk.do("admin", lambda tx: month_end.put(tx, tx.policies.queues["desk"], begin, end, HOUR))
    desk.drain()
    id_ = desk.make("contract")
    ahead = desk.task(id_).start_by
    tick(desk)
    desk.do("admin", month_end.end, "desk", made.id)
    desk.drain()
    tick(desk)
    take_back(desk)
    desk.drain()
    (row,) = desk.rows(period)
    assert (row.id, row.from_at, row.until_at, row.ahead_s) == (made.id, made.from_at, made.until_at, 3600.0)
    assert desk.task(id_).start_by == ahead
    assert desk.timers("queue.period", f"{made.id}:end") == [made.until_at]


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_who_comes_back_is_lent_as_before(desk: Desk) -> None:
    made = lent(desk)
    desk.do("admin", leaving.leave, "zoe")
    desk.drain()
    tick(desk)
    take_back(desk)
    (row,) = desk.rows(loan)
    assert (row.id, row.until_at) == (made.id, made.until_at)


def test_who_comes_back_is_back_although_a_loan_may_no_longer_be(desk: Desk) -> None:
    made = lent(desk)
    desk.do("admin", leaving.leave, "zoe")
    left = acts(desk)[0]["id"]
    desk.do("admin", lambda tx: queues.stop(tx, tx.policies.queues["desk"], "close", "moved"))
    desk.do("admin", undo.undo, left)
    assert desk.rows(loan)[0].until_at < made.until_at
    told = desk.rows(history, noun="loan", id=made.id, act="not_lent_again")
    assert [one.change["why"] for one in told] == ["queue_closed"]
