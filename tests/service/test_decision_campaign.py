"""A random campaign over every model and strategy: each stored decision, run again, gives the same answer for ever.

TASKHUB_CAMPAIGN=full stores ten thousand decisions; a number says how many.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from taskhub.acts import activate, presence
from taskhub.agents import service as agents
from taskhub.assignment import service as assignment
from taskhub.assignment import why
from taskhub.assignment.registry import built_ins
from taskhub.db.tables import decision
from taskhub.errors import TaskhubError
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.service.desk import Desk

TOLD = os.environ.get("TASKHUB_CAMPAIGN", "120")
WANTED = 10_000 if TOLD == "full" else int(TOLD)
HOUR = timedelta(hours=1)
RED, BLUE = ("ann", "bob", "cid", "dee"), ("eve", "fay", "gus", "hal")
PARAMS: dict[str, dict[str, Any]] = {
    "dedicated": {"team": "red"},
    "rotating": {"teams": ["red", "blue"], "share_of_shift": 0.9},
    "overflow": {"team": "red", "overflow_teams": ["blue"]},
    "duty_rota": {"slice": "half_day", "people_per_kind": 2},
    "chain": {},
    "share": {"weights": {"red": 2, "blue": 1}},
}
STRATEGY_PARAMS: dict[str, dict[str, Any]] = {"sticky": {"wait": "30m"}, "fairness": {"late": 30}}


def policies(hash_: str = "test", *, turned: bool = False) -> Policies:
    """A queue for every model with every strategy; ``turned``: every one served by the next of both."""
    models, strategies = list(built_ins().model_names), list(built_ins().strategy_names)
    queues: list[Queue] = []
    kinds: list[Kind] = []
    for m, model in enumerate(models):
        for s, strategy in enumerate(strategies):
            key, names = f"{model}-{strategy}", [f"{model}-{strategy}-{n}" for n in range(3)]
            now = models[(m + turned) % len(models)], strategies[(s + turned) % len(strategies)]
            params = PARAMS[now[0]] | ({"ring": names} if now[0] == "chain" else {})
            queues.append(
                org.queue(
                    key, teams=("red", "blue"), calendar="always", mode="pull" if (m + s) % 4 == 0 else "push",
                    front_line=(m, s) == (0, 1), rotation=f"r{s % 3}",
                    staffing=Staffing(now[0], params, now[1], STRATEGY_PARAMS.get(now[1], {})),
                )
            )  # fmt: skip
            kinds += [
                Kind(name, LocalText(name), key, sla="standard", level=1 + n, weight=1 + n / 2, expected_minutes=10 + n,
                     variety_ceiling=6 if n == 1 else None, skill=f"skill-{n}")
                for n, name in enumerate(names)
            ]  # fmt: skip
    return org.policies(queues=queues, kinds=kinds, hash=hash_)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = Desk(database_url, policies())
    chance = random.Random(7)
    for team, names in (("red", RED), ("blue", BLUE)):
        for name in names:
            skills = {f"skill-{n}": chance.randint(1, 5) for n in range(3)}
            limits = {"queue_caps": {"share-fairness": 2}, "capacity_minutes": 400} if chance.random() < 0.4 else {}
            made.staff(team, name, skills=skills, capacity=chance.randint(6, 20), **limits)
    yield made
    made.db.close()


class Day:
    """Work comes, is given, is done; people come and go."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.chance = desk, random.Random(20261125)
        self.kinds = list(desk.policies.kinds)

    def pass_(self) -> None:
        for _ in range(self.chance.randint(20, 60)):
            out = {self.chance.choice(RED + BLUE): "conflict_of_interest"} if self.chance.random() < 0.2 else {}
            self.desk.make(
                self.chance.choice(self.kinds), priority=self.chance.randrange(4), excluded=out,
                record=f"deal:{self.chance.randrange(12)}",
            )  # fmt: skip
        self.desk.forward(minutes=self.chance.randrange(1, 90))
        for name in RED + BLUE:
            with suppress(TaskhubError):
                self.desk.claim(name)
            self._finish(name)
        with suppress(TaskhubError):
            self._move(self.chance.choice(RED + BLUE))

    def _finish(self, name: str) -> None:
        with self.desk.db.read() as tx:
            mine, _ = tasks.find(tx, {"agent": name, "state": ["assigned", "in_progress"]}, None, 40)
        for one in self.chance.sample(mine, min(len(mine), self.chance.randint(2, 12))):
            with suppress(TaskhubError):
                token = self.desk.token(one.id) if one.state == "in_progress" else None
                token = token or self.desk.do(name, tasks.start, one.id)[1].token
                self.desk.do(name, tasks.complete, one.id, token)

    def _move(self, name: str) -> None:
        now = self.desk.clock.now
        way = self.chance.randrange(4)
        if way == 0:
            self.desk.do("admin", agents.add_absence, name, now, now + self.chance.randint(1, 30) * HOUR)
        elif way == 1:
            self.desk.do(name, presence.set_presence, name, self.chance.choice(["busy", "away"]), now + HOUR)
        else:
            with self.desk.db.read() as tx:
                waiting, _ = tasks.find(tx, {"state": "queued"}, None, 1)
            if waiting:
                self.desk.do("admin", assignment.assign, waiting[0].id, name)


def reruns(desk: Desk) -> Counter[str]:
    found = Counter[str]()
    with desk.db.read() as tx:
        for row in tx.conn.execute(select(decision)):
            again = why.again(tx, row) if hasattr(why, "again") else why._again(tx, row)
            found[again.status] += 1
            assert again.status == "same", (row.way, row.model, row.strategy, row.facts, again.why)
    return found


def test_every_decision_of_a_random_campaign_runs_again_to_the_same_answer(desk: Desk) -> None:
    day = Day(desk)
    while desk.count(decision) < WANTED:
        day.pass_()
    desk.drain()
    first = reruns(desk)
    assert first["same"] == desk.count(decision) >= WANTED
    rows = desk.rows(decision)
    assert {row.way for row in rows} == {"push", "pull", "manual"}
    assert {row.model for row in rows if row.outcome == "assigned"} == set(built_ins().model_names)
    assert {row.strategy for row in rows if row.way == "push"} == set(built_ins().strategy_names)
    others = replace(policies("other", turned=True))
    desk.db._loader = lambda _texts, _resolved: others
    desk.do("admin", activate.activate, others, {})
    desk.drain()
    assert reruns(desk)["same"] >= first["same"]
