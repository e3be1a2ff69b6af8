"""Waiting for whoever served the customer last ends by its own timer, not by the next pass that happens to come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from taskhub.agents import service as agents
from taskhub.db.tables import task as task_table
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

WAIT = timedelta(minutes=30)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    sticky = Staffing("dedicated", {"team": "specialists"}, "sticky", {"wait": "30m"})
    queue = org.queue("desk", calendar="always", staffing=sticky)
    made = Desk(database_url, org.policies(queues=[queue], kinds=[Kind("contract", LocalText("C"), "desk")]))
    made.staff("specialists", "ana", "bob")
    made.drain()
    yield made
    made.db.close()


def served_by(desk: Desk, who: str) -> None:
    """Work for the customer, done by that person, who is busy from then on."""
    id_, token = desk.started(who, "contract")
    desk.do(who, tasks.complete, id_, token)
    with desk.as_("worker") as tx:
        tx.conn.execute(update(task_table).where(task_table.c.id == id_).values(customer="account:A"))
    desk.do("admin", agents.set_presence, who, "busy")
    desk.drain()


def test_the_wait_ends_at_its_own_time(desk: Desk) -> None:
    served_by(desk, "ana")
    one = desk.make("contract", customer="account:A")
    desk.drain()
    assert desk.task(one).waiting_reasons == ["waits_for_favourite"]
    assert desk.timers("assignment.favourite", "desk") == [desk.task(one).ready_at + WAIT]
    desk.forward(minutes=10)
    two = desk.make("contract", customer="account:A")
    desk.drain()
    assert desk.timers("assignment.favourite", "desk") == [desk.task(one).ready_at + WAIT]
    desk.forward(minutes=20)
    assert (desk.task(one).agent, desk.task(two).agent) == ("bob", None)
    assert desk.timers("assignment.favourite", "desk") == [desk.task(two).ready_at + WAIT]
    desk.forward(minutes=10)
    assert desk.task(two).agent == "bob"
    assert desk.timers("assignment.favourite", "desk") == []


def test_who_is_free_before_gets_it_and_nothing_happens_later(desk: Desk) -> None:
    served_by(desk, "ana")
    one = desk.make("contract", customer="account:A")
    desk.drain()
    desk.forward(minutes=5)
    desk.do("admin", agents.set_presence, "ana", "available")
    desk.drain()
    assert desk.task(one).agent == "ana"
    desk.forward(minutes=30)
    assert desk.task(one).agent == "ana"
