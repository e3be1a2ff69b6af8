"""Figures of finished work: from an event to a number somebody can read."""

import pytest

from taskhub.acts import undo
from taskhub.assignment import service as assignment
from taskhub.errors import InvalidInput
from taskhub.metrics import queries
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from taskhub.testing.clock import MONDAY, SetClock
from taskhub.testing.drain import drain
from tests.api.house import House


def test_a_finished_task_becomes_figures(database_url: str) -> None:
    clock = SetClock()
    db = org.database(database_url, org.policies(), clock=clock)
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "front", ["zoe"], "front_line")
    with db.begin() as tx:
        made = tasks.create(tx, NewTask("billing", "Bill"))
    drain(db)
    clock.forward(minutes=10)
    with db.begin(org.as_agent("zoe"), act="task.claim") as tx:
        lease = assignment.claim(tx).lease
    clock.forward(minutes=20)
    with db.begin(org.as_agent("zoe"), act="task.complete") as tx:
        tasks.complete(tx, made.id, lease.token)
    with db.read() as tx:
        (line,) = queries.of_tasks(tx, "queue", MONDAY, clock.forward(hours=1), None)
        (team,) = queries.of_tasks(tx, "team", MONDAY, clock.now, ["front"])
    assert (line["key"], line["throughput"], line["backlog"]) == ("front", 1, 0)
    assert line["wait_time"]["median"] == 600
    assert line["handle_time"]["median"] == 1200
    assert line["cycle_time"]["median"] == 1800
    assert line["sla_attainment"] == 1.0
    assert line["rework"] == 0
    assert (team["key"], team["throughput"]) == ("front", 1)
    with db.begin(org.as_agent("zoe"), act="act.undo") as tx:
        undo.undo(tx, undo.list_acts(tx)[0]["id"])
    with db.read() as tx:
        (line,) = queries.of_tasks(tx, "kind", MONDAY, clock.now, None)
    assert (line["key"], line["throughput"], line["backlog"], line["cycle_time"]) == ("billing", 0, 1, None)
    with db.read() as tx, pytest.raises(InvalidInput, match="ends before it begins"):
        queries.of_tasks(tx, "queue", clock.now, MONDAY, None)
    db.close()


def test_the_route_says_what_each_figure_means(house: House) -> None:
    house.task()
    body = house.of("admin").ok("GET", "/api/v1/metrics/tasks?by=queue")
    assert body["metrics"]["wait_time"]["unit"] == "s"
    assert sum(line["backlog"] for line in body["items"]) == 1
    assert house.of("zoe").request("GET", "/api/v1/metrics/tasks").status_code == 403
    assert house.of("admin").request("GET", "/api/v1/metrics/tasks?by=star").status_code == 422
