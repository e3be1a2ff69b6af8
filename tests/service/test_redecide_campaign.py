"""Many days of random work on record: each decision asked again is the same, also after the files have changed."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskhub.acts import presence
from taskhub.assignment import why
from taskhub.assignment.shadow import shadow
from taskhub.db.tables import decision
from taskhub.db.tables import task as task_table
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from tests.service.desk import Desk

DECISIONS = int(os.environ.get("TASKHUB_CAMPAIGN", "150"))
NAMES = tuple(f"p{number:02d}" for number in range(12))


def policies() -> Policies:
    def staffing(strategy: str) -> Staffing:
        return Staffing("dedicated", {"team": "specialists"}, strategy)

    queues = [
        org.queue("one", calendar="always", staffing=staffing("least_loaded"), cool_down=timedelta(minutes=20)),
        org.queue("two", calendar="always", staffing=staffing("round_robin")),
        org.queue("own", calendar="always", mode="pull", staffing=staffing("least_loaded")),
    ]
    kinds = [Kind(key, LocalText(key.title()), key, level=level) for key, level in (("one", 1), ("two", 2), ("own", 1))]
    return org.policies(queues=queues, kinds=kinds)


def day(desk: Desk, chance: random.Random) -> None:
    """An hour of it: work comes, people come and go, finish, decline, ask."""
    with desk.db.begin() as tx:
        kinds = chance.choices(["one", "two", "own"], k=chance.randint(5, 30))
        making.make(tx, [NewTask(kind, kind, priority=chance.randrange(4)) for kind in kinds])
    desk.drain()
    for who in chance.sample(NAMES, 4):
        desk.do(who, presence.set_presence, who, chance.choice(["available", "available", "busy"]))
    for row in desk.rows(task_table, state="assigned"):
        if chance.random() < 0.1:
            desk.do(row.agent, tasks.release, row.id, "not mine")
        elif chance.random() < 0.7:
            token = desk.do(row.agent, tasks.start, row.id)[1].token
            desk.do(row.agent, tasks.complete, row.id, token)
    for who in chance.sample(NAMES, 3):
        given = desk.claim(who, ["own"])
        if given.task is not None and given.lease is not None:
            desk.do(who, tasks.complete, given.task.id, given.lease.token)
    desk.forward(minutes=60)


@pytest.mark.parametrize("seed", [7])
def test_every_decision_of_many_days_is_the_same_again(database_url: str, seed: int) -> None:
    chance, desk = random.Random(seed), Desk(database_url, policies())
    for number, name in enumerate(NAMES):
        desk.staff("specialists", name, skills={"one": 1 + number % 3, "two": 1 + number % 4, "own": 2}, capacity=4)
    began = desk.clock.now
    while desk.count(decision) < DECISIONS:
        day(desk, chance)
    other = Desk(database_url, replace(policies(), hash="other", queues={
        key: replace(queue, staffing=Staffing("rotating", {}, "longest_idle"), paused=True)
        for key, queue in policies().queues.items()
    }))  # fmt: skip
    other.clock.now = desk.clock.now
    for each in (desk, other):
        with each.db.read() as tx:
            said = Counter(why._again(tx, row).status for row in tx.conn.execute(decision.select()))
        assert set(said) == {"same"}
    own: dict[str, Any] = {key: queue.staffing for key, queue in policies().queues.items()}
    with desk.db.read() as tx:
        for key, staffing in own.items():
            shown = shadow(tx, key, staffing, began - timedelta(seconds=1))
            assert shown.complete
            assert {name for name, count in shown.verdicts.items() if count} == {"same"}
            assert all(was == now for was, now in shown.people.values())
        turned = shadow(tx, "one", Staffing("dedicated", {"team": "specialists"}, "round_robin"), began - timedelta(1))
    assert turned.verdicts["other_person"] > 0
    got = [now for _, now in turned.people.values()]
    assert sum(got) >= 0.9 * sum(was for was, _ in turned.people.values())
    desk.db.close()
    other.db.close()
