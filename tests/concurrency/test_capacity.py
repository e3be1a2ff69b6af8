"""Nobody holds more than they may: tasks, minutes, caps of queues, whichever acts race, in whichever process."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from taskhub.assignment import passes
from taskhub.assignment import service as assignment
from taskhub.db.database import Database
from taskhub.db.tables import decision, lease, task
from taskhub.errors import TaskhubError
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org
from tests.faults.processes import Process
from tests.faults.shop import open_shop

CAMPAIGN = os.environ.get("TASKHUB_CAMPAIGN", "")
RACES = 2_000 if CAMPAIGN == "full" else int(CAMPAIGN or 60)
TABS = 200
MINUTES = 20.0
LIMITS: dict[str, dict[str, Any]] = {
    "ana": {"capacity": 2},
    "bob": {"capacity": 9, "capacity_minutes": 50},
    "cid": {"capacity": 4, "queue_caps": {"pull": 1, "push": 2}},
}


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    queue = {"teams": ("front",), "calendar": "always", "staffing": Staffing("rotating")}
    queues = [org.queue("pull", mode="pull", paused_counts=True, **queue), org.queue("push", **queue)]
    kinds = [Kind(queue.key, LocalText(queue.key), queue.key, expected_minutes=MINUTES) for queue in queues]
    made = org.database(database_url, org.policies(queues=queues, kinds=kinds))
    with made.begin(org.ADMIN) as tx:
        for name, limits in LIMITS.items():
            org.people(tx, "front", [name], "front_line", **limits)
    yield made
    made.close()


def over(db: Database) -> list[tuple[Any, ...]]:
    """Who holds more than they may; the task that crosses a limit of minutes is the last."""
    counts = task.c.state.in_(("assigned", "in_progress")) | ((task.c.state == "paused") & (task.c.queue == "pull"))
    with db.read() as tx:
        held = select(task.c.agent, task.c.queue, func.count()).where(counts).group_by(task.c.agent, task.c.queue)
        rows = list(tx.conn.execute(held))
    found: list[tuple[Any, ...]] = []
    for name, limits in LIMITS.items():
        here = {queue: n for agent, queue, n in rows if agent == name}
        total = sum(here.values())
        too_many = total > limits["capacity"]
        too_long = (total - 1) * MINUTES >= limits.get("capacity_minutes", float("inf"))
        capped = any(here.get(queue, 0) > cap for queue, cap in limits.get("queue_caps", {}).items())
        if too_many or too_long or capped:
            found.append((name, here))
    return found


def together(work: Callable[[int], Any], count: int) -> list[Any]:
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


class Acts:
    """What people and workers do to a task or to whatever a person holds."""

    def claim(self, tx: Any, _name: str, _id: str) -> None:
        assignment.claim(tx)

    def pick(self, tx: Any, _name: str, id_: str) -> None:
        assignment.claim_one(tx, id_, "customer on the line")

    def assign(self, tx: Any, name: str, id_: str) -> None:
        assignment.assign(tx, id_, name)

    def give(self, tx: Any, _name: str, _id: str) -> None:
        passes.run(tx, "push")

    def hand_over(self, tx: Any, name: str, _id: str) -> None:
        held = self._one(tx, agent=[key for key in LIMITS if key != name], state="assigned")
        if held is not None:
            assignment.hand_over(tx, held.id, name)

    def start(self, tx: Any, name: str, _id: str) -> None:
        held = self._one(tx, agent=name, state="assigned")
        if held is not None:
            tasks.start(tx, held.id)

    def resume(self, tx: Any, name: str, _id: str) -> None:
        held = self._one(tx, agent=name, state="paused")
        if held is not None:
            tasks.resume(tx, held.id)

    def reopen(self, tx: Any, name: str, _id: str) -> None:
        done = self._one(tx, completed_by=name, state="completed")
        if done is not None:
            assignment.reopen(tx, done.id)

    def complete(self, tx: Any, name: str, _id: str) -> None:
        self._started(tx, name, lambda id_, token: tasks.complete(tx, id_, token))

    def pause(self, tx: Any, name: str, _id: str) -> None:
        self._started(tx, name, lambda id_, token: tasks.pause(tx, id_, "waiting_customer", token=token))

    def _started(self, tx: Any, name: str, then: Callable[[str, int], Any]) -> None:
        held = self._one(tx, agent=name, state="in_progress")
        found = tasks.lease_of(tx, held.id) if held else None
        if found:
            then(found.task, found.token)

    def _one(self, tx: Any, **which: Any) -> Any:
        return next(iter(tasks.find(tx, which, None, 1)[0]), None)


MANAGERS = ("assign", "hand_over")
NAMES = "claim claim pick assign assign give hand_over start resume resume reopen complete pause pause".split()


def test_no_race_breaks_a_limit(db: Database) -> None:
    chance, acts, done = random.Random(20261125), Acts(), Counter[str]()
    with db.begin() as tx:
        ids = making.make(tx, [NewTask(("pull", "push")[n % 2], f"Task {n}") for n in range(60)])
    for _ in range(RACES):
        chosen = [(chance.choice(NAMES), chance.choice(list(LIMITS)), chance.choice(ids)) for _ in range(5)]

        def work(number: int, chosen: list[tuple[str, str, str]] = chosen) -> None:
            act, name, id_ = chosen[number]
            by = org.ADMIN if act in MANAGERS else None if act == "give" else org.as_agent(name)
            with suppress(TaskhubError), db.begin(*([by] if by else []), act=f"task.{act}" if by else None) as tx:
                getattr(acts, act)(tx, name, id_)
                done[act] += 1

        together(work, len(chosen))
        assert not over(db), (over(db), chosen)
    assert {"claim", "assign", "give", "resume", "complete"} <= done.keys()


@contextlib.contextmanager
def two_apis(url: str, redis: str, folder: Path) -> Iterator[list[str]]:
    """Two API processes as production starts them; their addresses."""
    started = [Process(f"api-{n}", ["api", "--port", "0"], "API serves", (url, redis), folder) for n in (1, 2)]
    try:
        for one in started:
            one.start()
        yield [next(word for word in one.wait().split() if word.startswith("http")).rstrip(".,") for one in started]
    finally:
        for one in started:
            one.stop()


@pytest.mark.slow
def test_two_hundred_pulls_of_one_person_over_two_processes(postgres_url: str, redis_url: str, tmp_path: Path) -> None:
    with (
        open_shop(postgres_url, {"front-line": ["ann"]}, capacity=1) as shop,
        two_apis(postgres_url, redis_url, tmp_path) as addresses,
    ):
        kind = next(kind.key for kind in _policies(shop.db).kinds.values() if kind.queue == "quick")
        with shop.db.begin() as tx:
            making.make(tx, [NewTask(kind, f"Task {n}") for n in range(TABS)])
        headers = {"authorization": f"Bearer {shop.people['ann']}"}

        def pull(number: int) -> Any:
            with httpx.Client(base_url=addresses[number % 2], headers=headers, timeout=120) as client:
                return client.post("/api/v1/tasks/claim", json={}).json()

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(pull, range(TABS)))
        won = [answer["task"]["id"] for answer in answers if answer.get("task")]
        assert len(won) == 1, Counter(str(answer.get("reason")) for answer in answers)
        assert Counter(answer["reason"] for answer in answers if not answer["task"]) == {"at_capacity": TABS - 1}
        with shop.db.read() as tx:
            given = task.c.state.in_(("assigned", "in_progress"))
            assert list(tx.conn.execute(select(task.c.id).where(given)).scalars()) == won
            assert tx.conn.execute(select(func.count()).select_from(lease)).scalar() == 1
            assert tx.conn.execute(select(func.count()).select_from(decision)).scalar() == 1


def _policies(db: Database) -> Any:
    with db.read() as tx:
        return tx.policies
