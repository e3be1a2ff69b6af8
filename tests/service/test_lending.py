"""Lending: in the pool while it lasts, out of it by itself, offers nobody has begun return, undone by one act."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhub.acts import lending, undo
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.db.tables import loan
from taskhub.db.tables import task as task_table
from taskhub.errors import Conflict, InvalidInput, NotEligible, NotFound
from taskhub.policy.work import Staffing
from taskhub.queues import service as queues
from taskhub.testing import organisation as org
from tests.service.desk import Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    front = org.queue("front", teams=("front",), staffing=Staffing("rotating", {"teams": ["front"]}))
    made = Desk(database_url, org.policies(queues=(org.queue("desk"), front)))
    made.staff("specialists", "ana")
    made.staff("front", "zoe")
    yield made
    made.db.close()


def lend(desk: Desk, who: str = "zoe", queue: str = "desk", begin: Any = None, hours: float = 3) -> Any:
    end = (begin or desk.clock.now) + hours * HOUR
    return desk.do("admin", lambda tx: lending.lend(tx, who, queues.named(tx, queue), begin, end))


def offer(desk: Desk, who: str) -> str:
    """A task of the desk, offered to that person as a pass would."""
    id_ = desk.make("contract")
    with desk.as_("worker") as tx:
        given = task_table.update().where(task_table.c.id == id_)
        tx.conn.execute(given.values(state="assigned", agent=who, given_at=tx.now))
    return id_


def test_a_lent_person_gets_the_queues_work_and_only_until_then(desk: Desk) -> None:
    desk.do("admin", agents.set_presence, "ana", "away")
    one = desk.make("contract")
    desk.drain()
    assert desk.task(one).agent is None
    lend(desk)
    desk.drain()
    assert desk.task(one).agent == "zoe"
    desk.forward(hours=3)
    assert (desk.task(one).agent, desk.task(one).state) == (None, "queued")
    two = desk.make("contract")
    desk.drain()
    assert desk.task(two).agent is None


def test_offers_return_when_a_loan_ends_and_begun_work_stays(desk: Desk) -> None:
    lend(desk)
    offered = offer(desk, "zoe")
    started, _ = desk.started("zoe", "contract")
    pinned = desk.make("contract")
    desk.do("admin", assignment.assign, pinned, "zoe")
    own = desk.make("billing")
    desk.do("admin", agents.set_presence, "ana", "busy")
    desk.forward(hours=3)
    assert desk.task(offered).agent is None
    assert desk.history(offered, "withdraw")[0]["change"]["why"] == "lend_ended"
    assert [desk.task(id_).agent for id_ in (started, pinned)] == ["zoe", "zoe"]
    assert desk.task(own).queue == "front"


def test_ended_by_hand_it_ends_now(desk: Desk) -> None:
    made, _ = lend(desk)
    offered = offer(desk, "zoe")
    desk.clock.forward(hours=1)
    _, returned = desk.do("admin", lending.end, "zoe", made.id)
    assert returned == [offered]
    assert desk.rows(loan)[0].until_at == desk.clock.now
    assert desk.timers("queue.lend_over", made.id) == []
    assert desk.do("admin", lending.end, "zoe", made.id)[1] == []


def test_undone_before_it_begins_nothing_is_left_of_it(desk: Desk) -> None:
    made, _ = lend(desk, begin=desk.clock.now + HOUR)
    with desk.db.read(org.ADMIN) as tx:
        newest = undo.list_acts(tx)[0]
    desk.do("admin", undo.undo, newest["id"])
    assert desk.rows(loan) == []
    assert desk.timers("queue.lent", made.id) == desk.timers("queue.lend_over", made.id) == []


def test_a_person_of_the_team_keeps_their_offers_when_a_loan_to_it_ends(desk: Desk) -> None:
    lend(desk, "ana")
    offered = offer(desk, "ana")
    desk.forward(hours=3)
    assert desk.task(offered).agent == "ana"


def test_a_second_loan_that_goes_on_keeps_offers_too(desk: Desk) -> None:
    lend(desk, hours=1)
    lend(desk, begin=desk.clock.now + HOUR, hours=2)
    offered = offer(desk, "zoe")
    desk.do("admin", agents.set_presence, "ana", "busy")
    desk.forward(hours=1)
    assert desk.task(offered).agent == "zoe"
    desk.forward(hours=2)
    assert desk.task(offered).agent is None


def test_a_preview_warns_and_writes_nothing(desk: Desk) -> None:
    with desk.as_("admin") as tx:
        agents.patch_agent(tx, "zoe", {"skills": {"contract": 3}})
        agents.add_absence(tx, "zoe", tx.now + HOUR, tx.now + 2 * HOUR)
        queues.stop(tx, tx.policies.queues["desk"], "pause", "stock-taking")
    with desk.db.read() as tx:
        found = lending.preview(tx, "zoe", tx.policies.queues["desk"], None, tx.now + 3 * HOUR)
        own = lending.preview(tx, "ana", tx.policies.queues["desk"], None, tx.now + 3 * HOUR)
    assert found.kinds == ["contract"]
    assert [one.code for one in found.warnings] == ["skill_missing", "absent", "queue_paused"]
    assert [one.code for one in own.warnings] == ["in_pool_already", "queue_paused"]
    assert desk.rows(loan) == []


def test_bad_loans_are_refused_with_what_is_wrong(desk: Desk) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def said(error: type[Exception], *args: Any, **named: Any) -> str:
        with pytest.raises(error) as refused:
            lend(desk, *args, **named)
        return str(refused.value.stable_code)  # type: ignore[attr-defined]

    assert said(InvalidInput, hours=-1) == "ends_before_begin"
    assert said(InvalidInput, begin=now - HOUR, hours=5) == "from_in_past"
    assert said(InvalidInput, hours=24 * 400) == "too_far_ahead"
    assert said(InvalidInput, queue="dsk") == "unknown_queue"
    assert said(NotFound, "nobody") == "not_found"
    lend(desk)
    assert said(Conflict) == "already_lent"
    desk.do("admin", lambda tx: queues.stop(tx, tx.policies.queues["front"], "close", "moved"))
    assert said(Conflict, "ana", "front") == "queue_closed"
    desk.do("admin", agents.patch_agent, "ana", {"active": False})
    assert said(NotEligible, "ana") == "not_eligible"
    assert len(desk.rows(loan)) == 1
