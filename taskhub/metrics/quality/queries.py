"""What quality figures are made of, read from tasks and history."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from taskhub.db.tables import agent, history, task
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.metrics.quality.figures import Verdict, figures, grouped
from taskhub.tasks.model import COMPLETED, RIGHT, VERDICTS

MOST = 20_000
CHUNK = 5_000
GROUPS: dict[str, ColumnElement[Any]] = {"kind": task.c.kind, "team": agent.c.team}


def of_groups(
    tx: Tx, by: str, since: datetime, until: datetime, queues: Collection[str] | None
) -> list[dict[str, Any]]:
    """Quality by ``kind`` or ``team`` in [since, until); ``queues`` (of the work looked at) None means all."""
    return grouped(_verdicts(tx, since, until, queues), by, _completed(tx, by, since, until, queues))


def of_people(tx: Tx, keys: Collection[str], since: datetime, until: datetime) -> dict[str, Any]:
    """Quality of what some people have done, as one figure."""
    found = [one for one in _verdicts(tx, since, until, None) if one.agent in keys]
    done = select(func.count()).where(
        task.c.completed_by.in_(list(keys)), task.c.completed_at >= since, task.c.completed_at < until,
        task.c.state == COMPLETED, task.c.checks.is_(None),
    )  # fmt: skip
    return figures(found, int(tx.conn.execute(done).scalar_one()))


def _completed(tx: Tx, by: str, since: datetime, until: datetime, queues: Collection[str] | None) -> dict[str, int]:
    counted = (
        select(GROUPS[by], func.count())
        .outerjoin_from(task, agent, agent.c.key == task.c.completed_by)
        .where(task.c.state == COMPLETED, task.c.completed_at >= since, task.c.completed_at < until)
        .where(task.c.checks.is_(None))
        .group_by(GROUPS[by])
    )
    counted = counted if queues is None else counted.where(task.c.queue.in_(queues))
    return {key or "": count for key, count in tx.conn.execute(counted)}


def _verdicts(tx: Tx, since: datetime, until: datetime, queues: Collection[str] | None) -> list[Verdict]:
    if until <= since:
        raise InvalidInput("The period ends before it begins.", code="bad_period")
    first = task.alias("first")
    wanted = (
        select(task.c.checks, task.c.created_at, task.c.outcome, first.c.kind)
        .join(first, first.c.id == task.c.checks)
        .where(task.c.checks.is_not(None), task.c.state == COMPLETED, task.c.outcome.in_(VERDICTS))
        .where(task.c.completed_at >= since, task.c.completed_at < until)
    )
    wanted = wanted if queues is None else wanted.where(first.c.queue.in_(queues))
    rows = list(tx.conn.execute(wanted.limit(MOST + 1)))
    if len(rows) > MOST:
        raise InvalidInput(f"The period holds more than {MOST} second looks; ask for a shorter one.", code="too_many")
    doers = _doers(tx, sorted({row.checks for row in rows}))
    teams = dict(tx.conn.execute(select(agent.c.key, agent.c.team)).all()) if rows else {}
    found = []
    for row in rows:
        who = next((by for at, by in reversed(doers.get(row.checks, [])) if at <= row.created_at), None)
        found.append(Verdict(row.kind, who, teams.get(who or ""), row.outcome == RIGHT))
    return found


def _doers(tx: Tx, ids: list[str]) -> dict[str, list[tuple[datetime, str]]]:
    """Task -> who completed it, each time: a task found wrong no longer says so itself."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for at in range(0, len(ids), CHUNK):
        ends = history.c.act == "complete"
        rows = select(history.c.id, history.c.at, history.c.change).where(
            history.c.noun == "task", history.c.id.in_(ids[at : at + CHUNK]), ends
        )
        for row in tx.conn.execute(rows.order_by(history.c.id, history.c.seq)):
            if row.change.get("completed_by"):
                found.setdefault(row.id, []).append((row.at, row.change["completed_by"]))
    return found
