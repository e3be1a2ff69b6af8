"""Many hands, few tasks: who wins, who is told there is nothing, and that nobody ever holds more than they may."""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select

from taskhub.assignment import service as assignment
from taskhub.assignment.claim import NOTHING
from taskhub.db.database import Database
from taskhub.db.tables import agent, decision, lease, task
from taskhub.errors import TaskhubError
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org

PULL = {
    "teams": ("front",),
    "mode": "pull",
    "calendar": "always",
    "staffing": Staffing("rotating", {"teams": ["front"]}),
}
CAMPAIGN = os.environ.get("TASKHUB_CAMPAIGN", "120")
RACES = 3_000 if CAMPAIGN == "full" else int(CAMPAIGN)


@pytest.fixture
def db(database_url: str) -> Any:
    queues = [org.queue("front", **PULL)]
    made = org.database(
        database_url, org.policies(queues=queues, kinds=[Kind("billing", LocalText("Billing"), "front")])
    )
    yield made
    made.close()


def staff(db: Database, count: int, **facts: Any) -> list[str]:
    names = [f"p{n:03}" for n in range(count)]
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "front", names, "front_line", **facts)
    return names


def fill(db: Database, count: int) -> list[str]:
    with db.begin() as tx:
        return making.make(tx, [NewTask("billing", f"Bill {n}") for n in range(count)])


def at_once(work: Callable[[str], Any], names: list[str]) -> list[Any]:
    """Runs ``work`` for every name, all starting together."""
    gate = threading.Barrier(len(names))

    def run(name: str) -> Any:
        gate.wait()
        return work(name)

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(run, names))


def test_two_hundred_claim_a_hundred(db: Database) -> None:
    names = staff(db, 200)
    fill(db, 100)

    def work(name: str) -> Any:
        with db.begin(org.as_agent(name), act="task.claim") as tx:
            return assignment.claim(tx)

    claims = at_once(work, names)
    won = [c for c in claims if c.task]
    assert len({c.task.id for c in won}) == len(won) == 100
    assert len({c.lease.token for c in won}) == 100
    assert Counter(c.reason for c in claims if not c.task) == {NOTHING: 100}
    with db.read() as tx:
        assert tx.conn.execute(select(func.count()).select_from(lease)).scalar() == 100
        assert tx.conn.execute(select(func.count()).select_from(decision)).scalar() == 100


def test_one_person_with_twenty_tabs_gets_what_fits(db: Database) -> None:
    (name,) = staff(db, 1, capacity=3)
    fill(db, 10)

    def work(_tab: str) -> Any:
        with db.begin(org.as_agent(name), act="task.claim") as tx:
            return assignment.claim(tx)

    claims = at_once(work, [str(n) for n in range(20)])
    assert sum(c.task is not None for c in claims) == 3
    assert {c.reason for c in claims if not c.task} == {"at_capacity"}


def held(db: Database) -> dict[str, tuple[int, float]]:
    given = task.c.state.in_(("assigned", "in_progress"))
    with db.read() as tx:
        rows = tx.conn.execute(
            select(agent.c.key, agent.c.capacity, func.count(task.c.id))
            .join(task, (task.c.agent == agent.c.key) & given)
            .group_by(agent.c.key, agent.c.capacity)
        )
        return {key: (count, capacity) for key, capacity, count in rows}


def test_capacity_holds_in_every_race(db: Database) -> None:
    chance = random.Random(20260302)
    names = staff(db, 3, capacity=2)
    ids = fill(db, 40)
    acts = {"claim": claim, "assign": assign, "resume": resume, "reopen": reopen, "complete": complete, "pause": pause}
    for _ in range(RACES):
        chosen = [(chance.choice(list(acts)), chance.choice(names), chance.choice(ids)) for _ in range(4)]

        def work(number: str, chosen: list[tuple[str, str, str]] = chosen) -> None:
            act, name, id_ = chosen[int(number)]
            with (
                suppress(TaskhubError),
                db.begin(org.as_agent(name) if act != "assign" else org.ADMIN, act=f"task.{act}") as tx,
            ):
                acts[act](tx, name, id_)

        at_once(work, [str(n) for n in range(len(chosen))])
        over = {key: seen for key, seen in held(db).items() if seen[0] > seen[1]}
        assert not over, (over, chosen)


def claim(tx: Any, _name: str, _id: str) -> None:
    assignment.claim(tx)


def assign(tx: Any, name: str, id_: str) -> None:
    assignment.assign(tx, id_, name)


def resume(tx: Any, name: str, _id: str) -> None:
    mine, _ = tasks.find(tx, {"agent": name, "state": "paused"}, None, 1)
    if mine:
        tasks.resume(tx, mine[0].id)


def reopen(tx: Any, name: str, _id: str) -> None:
    done, _ = tasks.find(tx, {"completed_by": name, "state": "completed"}, None, 1)
    if done:
        assignment.reopen(tx, done[0].id)


def complete(tx: Any, name: str, _id: str) -> None:
    started(tx, name, lambda id_, token: tasks.complete(tx, id_, token))


def pause(tx: Any, name: str, _id: str) -> None:
    started(tx, name, lambda id_, token: tasks.pause(tx, id_, "waiting_customer", token=token))


def started(tx: Any, name: str, then: Callable[[str, int], Any]) -> None:
    mine, _ = tasks.find(tx, {"agent": name, "state": "in_progress"}, None, 1)
    found = tasks.lease_of(tx, mine[0].id) if mine else None
    if found:
        then(found.task, found.token)
