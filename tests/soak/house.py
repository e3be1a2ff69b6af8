"""The organisation that is soaked: one pull queue, two kinds, people of small capacity, work that never runs out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from taskhub.db.database import Database
from taskhub.db.tables import agent, task
from taskhub.flow import FLOW
from taskhub.policy.policies import Policies
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.tasks import making
from taskhub.tasks.model import NewTask
from taskhub.testing import organisation as org

KINDS = ("billing", "refund")
CAPACITY = 2
BATCH = 500


def policies() -> Policies:
    """What every process of the soak is served under."""
    front = org.queue(
        "front", teams=("front",), mode="pull", calendar="always", staffing=Staffing("rotating", {"teams": ["front"]}),
        lease_for=timedelta(hours=12), cool_down=timedelta(seconds=1),
    )  # fmt: skip
    return org.policies(queues=[front], kinds=[Kind(key, LocalText(key), "front") for key in KINDS])


def open_house(url: str, pool: int) -> Database:
    """The house as it stands."""
    known = policies()
    return Database(url, pool=pool, flow=FLOW, loader=lambda _texts, _resolved: known)


def settle(url: str, people: int) -> list[str]:
    """Policies and people; their keys."""
    db = org.database(url, policies(), pool=2)
    names = [f"p{number:03}" for number in range(people)]
    with db.begin(org.ADMIN) as tx:
        org.people(tx, "front", names, "front_line", capacity=CAPACITY)
    db.close()
    return names


def fill(db: Database, waiting: int) -> None:
    """Makes tasks until ``waiting`` of them wait."""
    with db.read() as tx:
        there = tx.conn.execute(select(func.count()).where(task.c.state == "queued")).scalar_one()
    for begin in range(there, waiting, BATCH):
        with db.begin() as tx:
            count = min(BATCH, waiting - begin)
            making.make(tx, [NewTask(KINDS[number % 2], f"Work {number}") for number in range(count)])


def over_capacity(db: Database) -> list[tuple[str, int, float]]:
    """(person, held, capacity) of everybody who holds more than they may, in one look."""
    given = (task.c.agent == agent.c.key) & task.c.state.in_(("assigned", "in_progress"))
    counted = select(agent.c.key, func.count(task.c.id), agent.c.capacity).join(task, given)
    with db.read() as tx:
        rows = tx.conn.execute(counted.group_by(agent.c.key, agent.c.capacity).having(func.count() > agent.c.capacity))
        return [(row[0], row[1], row[2]) for row in rows]
