"""What the figures are made of, read from tasks and history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from taskhub.db.tables import agent, history, task
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.metrics.definitions import Done, Transition, grouped
from taskhub.tasks.model import COMPLETED, OPEN

MOST = 20_000
GROUPS: dict[str, ColumnElement[Any]] = {"queue": task.c.queue, "kind": task.c.kind, "team": agent.c.team}


def of_tasks(tx: Tx, by: str, since: datetime, until: datetime, queues: Collection[str] | None) -> list[dict[str, Any]]:
    """Figures by queue, kind or team of tasks completed in [since, until); ``queues`` None means all.

    Raises InvalidInput for a period that ends before it begins or holds more than MOST completed tasks.
    """
    if until <= since:
        raise InvalidInput("The period ends before it begins.", code="bad_period")
    rows = _completed(tx, by, since, until, queues)
    if len(rows) > MOST:
        raise InvalidInput(
            f"The period holds more than {MOST} completed tasks; ask for a shorter one.", code="too_many"
        )
    moves = _moves(tx, [row.id for row in rows])
    done = [
        Done(row.group or "", row.ready_at, row.started_at, row.completed_at, row.sla_state, moves[row.id])
        for row in rows
    ]
    return grouped(done, _backlog(tx, by, queues))


def _completed(tx: Tx, by: str, since: datetime, until: datetime, queues: Collection[str] | None) -> list[Any]:
    columns = (task.c.id, task.c.ready_at, task.c.started_at, task.c.completed_at, task.c.sla_state)
    wanted = (
        select(*columns, GROUPS[by].label("group"))
        .outerjoin_from(task, agent, agent.c.key == task.c.completed_by)
        .where(task.c.state == COMPLETED, task.c.completed_at >= since, task.c.completed_at < until)
        .where(task.c.ready_at.is_not(None))
    )
    wanted = wanted if queues is None else wanted.where(task.c.queue.in_(queues))
    return list(tx.conn.execute(wanted.limit(MOST + 1)))


def _moves(tx: Tx, ids: list[str]) -> dict[str, list[Transition]]:
    found: dict[str, list[Transition]] = defaultdict(list)
    for at in range(0, len(ids), 5000):
        rows = select(history.c.id, history.c.at, history.c.change).where(
            history.c.noun == "task", history.c.id.in_(ids[at : at + 5000])
        )
        for row in tx.conn.execute(rows.order_by(history.c.id, history.c.seq)):
            if "state" in row.change:
                found[row.id].append(Transition(row.at, row.change["state"]))
    return found


def _backlog(tx: Tx, by: str, queues: Collection[str] | None) -> dict[str, int]:
    counted = (
        select(GROUPS[by], func.count())
        .outerjoin_from(task, agent, agent.c.key == task.c.agent)
        .where(task.c.state.in_(OPEN))
        .group_by(GROUPS[by])
    )
    counted = counted if queues is None else counted.where(task.c.queue.in_(queues))
    return {key or "": count for key, count in tx.conn.execute(counted)}
