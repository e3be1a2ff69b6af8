"""What workers look at to find the pools of models that see beyond the person: duties, waiting work, work in hand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select

from taskhub.assignment.model import QueueFacts
from taskhub.assignment.models.duty_plan import Duty
from taskhub.db.tables import agent, decision, duty, task
from taskhub.db.tx import Tx
from taskhub.tasks.model import QUEUED

MOST = 500


def duties(tx: Tx, queue: str, since: datetime) -> list[Duty]:
    """The planned duties of a queue that begin at ``since`` or later."""
    return _duties(tx, duty.c.queue == queue, duty.c.from_at >= since)


def on_duty(tx: Tx, queue: str) -> list[Duty]:
    """Who is on duty now."""
    return _duties(tx, duty.c.queue == queue, duty.c.from_at <= tx.now, duty.c.until_at > tx.now)


def begun(tx: Tx, queue: str, since: datetime) -> list[Duty]:
    """Duties that began after ``since``, up to now."""
    return _duties(tx, duty.c.queue == queue, duty.c.from_at > since, duty.c.from_at <= tx.now)


def last_duties(tx: Tx, queue: str) -> dict[str, tuple[str, ...]]:
    """What people were on duty for in the newest slice that has begun."""
    newest = select(func.max(duty.c.from_at)).where(duty.c.queue == queue, duty.c.from_at <= tx.now).scalar_subquery()
    return {one.agent: one.kinds for one in _duties(tx, duty.c.queue == queue, duty.c.from_at == newest)}


def duties_done(tx: Tx, queue: str, since: datetime) -> dict[str, int]:
    """How many duties lie behind each person who has had any."""
    past = duty.c.queue == queue, duty.c.from_at >= since, duty.c.from_at <= tx.now
    return dict(tx.conn.execute(select(duty.c.agent, func.count()).where(*past).group_by(duty.c.agent)).all())


def next_change(tx: Tx, queue: str) -> datetime | None:
    """When somebody's duty begins or ends next."""
    begins = func.min(duty.c.from_at, type_=duty.c.from_at.type)
    ends = func.min(duty.c.until_at, type_=duty.c.until_at.type)
    edges = [
        tx.conn.execute(select(edge).where(duty.c.queue == queue, column > tx.now)).scalar()
        for edge, column in ((begins, duty.c.from_at), (ends, duty.c.until_at))
    ]
    return min((edge for edge in edges if edge is not None), default=None)


def _duties(tx: Tx, *which: Any) -> list[Duty]:
    rows = tx.conn.execute(select(duty).where(and_(*which)).order_by(duty.c.from_at, duty.c.agent))
    return [Duty(row.agent, row.from_at, row.until_at, tuple(row.kinds)) for row in rows]


def waiting(tx: Tx, queue: str) -> list[tuple[float, datetime]]:
    """Minutes and start_by of the queue's waiting tasks in the order in which they will go, MOST at most."""
    here = select(task.c.minutes, task.c.start_by).where(task.c.queue == queue, task.c.state == QUEUED)
    in_order = here.order_by(task.c.start_by, task.c.created_at, task.c.id).limit(MOST)
    return [(row.minutes, row.start_by) for row in tx.conn.execute(in_order)]


def in_hand(tx: Tx, agents: Collection[str]) -> float:
    """Expected minutes of what these people have been given and have not put aside."""
    held = task.c.agent.in_(agents), task.c.state.in_(("assigned", "in_progress"))
    return float(tx.conn.execute(select(func.coalesce(func.sum(task.c.minutes), 0.0)).where(*held)).scalar_one())


def undrawn(tx: Tx, shapes: Collection[str], most: int) -> list[Any]:
    """Waiting tasks of these shapes, first come first, locked: those somebody has at this moment are left out."""
    here = select(task.c.id, task.c.shape).where(task.c.shape.in_(shapes), task.c.state == QUEUED)
    in_order = here.order_by(task.c.ready_at, task.c.created_at, task.c.id).limit(most)
    return list(tx.conn.execute(in_order.with_for_update(skip_locked=True)))


def taken(tx: Tx, queue: QueueFacts, shapes: Collection[str], since: datetime) -> list[Any]:
    """Work of these shapes that somebody was given since then under the queue's model: id, shape and their team.

    First come first, locked; a person of another team counts for nobody.
    """
    gift = decision.c.outcome == "assigned", decision.c.at > since, decision.c.model == queue.model
    rows = (
        select(task.c.id, task.c.shape, agent.c.team)
        .join(decision, decision.c.task == task.c.id)
        .join(agent, agent.c.key == decision.c.agent)
        .where(agent.c.team.in_(queue.teams), task.c.shape.in_(shapes), task.c.state != QUEUED, *gift)
        .order_by(decision.c.at, decision.c.id)
    )
    return list({row.id: row for row in tx.conn.execute(rows.with_for_update(of=task, skip_locked=True))}.values())
