"""A task that waits for an answer waits as its reason says: its clock, its end, its reminders; and rules reach it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.acts import asking
from taskhub.agents import service as agents
from taskhub.db.tables import notification
from taskhub.policy.promise import ASKING, WAITING_REP
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind
from taskhub.tasks import service as tasks
from taskhub.tasks.questions import service as questions
from taskhub.testing import organisation as org
from tests.service.desk import Desk


def policies(*, stops: bool = False) -> Any:
    plain = org.policies(kinds=[Kind("billing", LocalText("Billing"), "front", sla="standard")])
    reason = org.replace(ASKING, stops_clock=stops)
    return org.replace(plain, pause_reasons={**plain.pause_reasons, WAITING_REP: reason})


@pytest.fixture(params=[False, True], ids=["runs", "stops"])
def desk(database_url: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(database_url, policies(stops=request.param))
    made.staff("front", "ana", "rob")
    with made.as_("admin") as tx:
        agents.patch_team(tx, "front", {"leader": "rob"})
    yield made
    made.db.close()


def ask(desk: Desk) -> tuple[str, str]:
    id_, token = desk.started("ana")
    _, one = desk.do("ana", asking.ask, id_, "Which?", None, token)
    desk.drain()
    return id_, one.id


def told(desk: Desk, who: str) -> list[str]:
    with desk.db.read() as tx:
        mine = select(notification.c.topic).where(notification.c.agent == who).order_by(notification.c.id)
        return list(tx.conn.execute(mine).scalars())


def test_the_clock_is_as_the_reason_says(desk: Desk) -> None:
    id_, _ = ask(desk)
    stops = desk.policies.pause_reasons[WAITING_REP].stops_clock
    assert (desk.task(id_).due_at is None) == stops
    assert desk.pauses(id_)[0].stops_clock == stops


def test_the_rep_is_reminded_and_the_wait_ends(desk: Desk) -> None:
    id_, question = ask(desk)
    assert told(desk, "rob") == ["question"]
    desk.forward(days=1, hours=1)
    assert told(desk, "rob")[:2] == ["question", "reminder"]
    assert "reminder" not in told(desk, "ana")
    desk.forward(days=3)
    woken = desk.task(id_)
    assert (woken.state, woken.agent) == ("paused", "ana")
    assert desk.history(id_, "wake")[-1]["change"]["why"] == "snooze.ended"
    # Late, but not too late: the answer is kept, and nothing is woken twice.
    desk.do("rob", asking.answer, question, "Lyon")
    assert len(desk.history(id_, "wake")) == 1
    desk.drain()
    assert told(desk, "ana")[-1] == "answer"


def test_who_waits_for_an_answer_counts_among_the_paused(desk: Desk) -> None:
    full = org.replace(desk.policies, max_paused=1)
    first, token = desk.started("ana")
    second, other = desk.started("ana")
    desk.do("ana", asking.ask, first, "Which?", None, token)
    from taskhub.tasks import checks

    with desk.as_("ana") as tx:
        tx.policies = full
        with pytest.raises(checks.AtCapacity, match="paused"):
            asking.ask(tx, second, "And?", token=other)


def test_of_a_holder_who_is_gone_the_work_waits_in_its_queue(desk: Desk) -> None:
    id_, question = ask(desk)
    with desk.as_("admin") as tx:
        agents.patch_agent(tx, "ana", {"active": False})
    desk.do("rob", asking.answer, question, "Lyon")
    assert (desk.task(id_).state, desk.task(id_).agent) == ("queued", None)


def test_an_end_by_rule_lapses_it(desk: Desk) -> None:
    id_, question = ask(desk)
    with desk.as_("worker") as tx:
        tasks.finish(tx, tasks.get(tx, id_), "close", {"outcome": "lost"})
    with desk.db.read() as tx:
        one = questions.get(tx, question)
    assert (one.state, one.ended_by) == ("lapsed", "worker")
    assert desk.clock.forward(seconds=1)
    desk.drain()
    assert told(desk, "rob") == ["question", "unasked"]
    assert timedelta(days=3) == ASKING.max_for
