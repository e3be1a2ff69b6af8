"""The only SQL that writes escalations; and the people and timers a ladder looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from taskhub.db import rows
from taskhub.db.tables import absence, agent, escalation, message, notice_setting, task, team
from taskhub.db.tx import Tx

_PERSON = (
    "key", "name", "email", "time_zone", "team", "stand_in", "roles", "active", "presence", "presence_until", "shifts",
)  # fmt: skip


def steps(tx: Tx, task_id: str) -> list[Any]:
    """What has fired for a task, oldest first."""
    known = tx.lookups.get(f"steps:{task_id}")
    return known if known is not None else list(tx.conn.execute(_STEPS, {"tasks": [task_id]}))


_IN_ORDER = (escalation.c.at, escalation.c.due_at, escalation.c.step)
_STEPS: Select[Any] = (
    select(escalation).where(escalation.c.task.in_(bindparam("tasks", expanding=True))).order_by(*_IN_ORDER)
)


def read_ahead(tx: Tx, ids: Iterable[str]) -> None:
    """Reads the steps of locked tasks in one statement; ``steps`` gives them on, until one more is recorded."""
    read: dict[str, list[Any]] = {id_: [] for id_ in ids}
    for row in tx.conn.execute(_STEPS, {"tasks": list(read)}):
        read[row.task].append(row)
    tx.lookups |= {f"steps:{id_}": found for id_, found in read.items()}


def record(tx: Tx, row: Mapping[str, Any]) -> None:
    """A step is on record; a second row of the same (task, step, repetition) fails and takes its effects with it."""
    tx.lookups.pop(f"steps:{row['task']}", None)
    rows.insert(tx.conn, escalation, [row])


def anybody(tx: Tx) -> bool:
    """Whether somebody was ever brought in, active or not."""
    return tx.conn.execute(select(agent.c.key).limit(1)).first() is not None


def people(tx: Tx, keys: Iterable[str]) -> list[Any]:
    """People by key."""
    return _people(tx, agent.c.key.in_(list(keys)))


def people_of(tx: Tx, teams: Iterable[str], roles: Iterable[str]) -> list[Any]:
    """The active people of teams, and those who have one of the roles."""
    having = [cast(agent.c.roles, Text).contains(f'"{role}"', autoescape=True) for role in roles]
    return _people(tx, and_(agent.c.active, or_(agent.c.team.in_(list(teams)), *having)))


def _people(tx: Tx, which: ColumnElement[bool]) -> list[Any]:
    planned = exists().where(absence.c.agent == agent.c.key, absence.c.from_at <= tx.now, absence.c.until_at > tx.now)
    language = func.coalesce(notice_setting.c.language, agent.c.language).label("language")
    wanted = select(*(agent.c[name] for name in _PERSON), language, planned.label("absence"))
    wished = agent.outerjoin(notice_setting, notice_setting.c.agent == agent.c.key)
    return list(tx.conn.execute(wanted.select_from(wished).where(which)))


def teams(tx: Tx, keys: Iterable[str]) -> list[Any]:
    """Leader and managers of teams."""
    wanted = select(team.c.key, team.c.leader, team.c.managers).where(team.c.key.in_(list(keys)))
    return list(tx.conn.execute(wanted.order_by(team.c.key)))


def absences(tx: Tx, keys: Iterable[str]) -> dict[str, list[tuple[datetime, datetime]]]:
    """Person -> their absences that are not over: (from, until)."""
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    wanted = select(absence).where(absence.c.agent.in_(list(keys)), absence.c.until_at > tx.now)
    for row in tx.conn.execute(wanted.order_by(absence.c.from_at)):
        found.setdefault(row.agent, []).append((row.from_at, row.until_at))
    return found


def to_come(
    tx: Tx, handlers: Collection[str], until: datetime, limit: int, *, promises: Collection[str],
    queues: Collection[str] | None,
) -> list[str]:  # fmt: skip
    """Tasks under these promises with a timer of these handlers that falls due by then, the soonest first.

    ``queues`` None: wherever they are.
    """
    open_ = message.c.done_at.is_(None), message.c.dead_at.is_(None), message.c.mode == literal_column("'one'")
    due = message.c.handler.in_(list(handlers)), message.c.due_at <= until
    which = [task.c.sla.in_(list(promises)), *([] if queues is None else [task.c.queue.in_(list(queues))])]
    climbing = message.join(task, task.c.id == message.c.key)
    rows = select(message.c.key, func.min(message.c.due_at)).select_from(climbing).where(*open_, *due, *which)
    soonest = rows.group_by(message.c.key).order_by(func.min(message.c.due_at), message.c.key)
    return [row[0] for row in tx.conn.execute(soonest.limit(limit))]
