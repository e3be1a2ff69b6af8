"""The only SQL that writes escalations and notifications."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, cast, exists, insert, or_, select, update

from taskhub.db import rows
from taskhub.db.tables import absence, agent, escalation, notification, team
from taskhub.db.tx import Tx

_PERSON = (
    "key", "name", "email", "language", "time_zone", "team", "stand_in", "roles", "active", "presence",
    "presence_until", "shifts",
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


def people(tx: Tx, keys: Iterable[str]) -> list[Any]:
    """People by key."""
    return _people(tx, agent.c.key.in_(list(keys)))


def people_of(tx: Tx, teams: Iterable[str], roles: Iterable[str]) -> list[Any]:
    """The active people of teams, and those who have one of the roles."""
    having = [cast(agent.c.roles, Text).contains(f'"{role}"', autoescape=True) for role in roles]
    return _people(tx, and_(agent.c.active, or_(agent.c.team.in_(list(teams)), *having)))


def _people(tx: Tx, which: ColumnElement[bool]) -> list[Any]:
    planned = exists().where(absence.c.agent == agent.c.key, absence.c.from_at <= tx.now, absence.c.until_at > tx.now)
    return list(tx.conn.execute(select(*(agent.c[name] for name in _PERSON), planned.label("absence")).where(which)))


def teams(tx: Tx, keys: Iterable[str]) -> list[Any]:
    """Leader and managers of teams."""
    wanted = select(team.c.key, team.c.leader, team.c.managers).where(team.c.key.in_(list(keys)))
    return list(tx.conn.execute(wanted.order_by(team.c.key)))


def add_notice(tx: Tx, row: Mapping[str, Any]) -> None:
    """A notification to deliver."""
    tx.conn.execute(insert(notification).values(dict(row)))


def told_since(tx: Tx, agent_key: str, kind: str, about: str, since: datetime) -> bool:
    """Whether the person has had this very notice since then."""
    same = and_(notification.c.agent == agent_key, notification.c.task.is_(None), notification.c.at > since)
    ends = notification.c.body.endswith(f"{kind} {about}", autoescape=True)
    return bool(tx.conn.execute(select(exists().where(same, ends))).scalar())


def notice(tx: Tx, notice_id: str) -> Any:
    """One notification."""
    return tx.conn.execute(select(notification).where(notification.c.id == notice_id)).first()


def notices(tx: Tx, task_id: str) -> list[Any]:
    """The notifications of a task, oldest first."""
    mine = select(notification).where(notification.c.task == task_id)
    return list(tx.conn.execute(mine.order_by(notification.c.at, notification.c.id)))


def delivered(tx: Tx, notice_id: str) -> None:
    """It has left the house."""
    open_ = and_(notification.c.id == notice_id, notification.c.delivered_at.is_(None))
    tx.conn.execute(update(notification).where(open_).values(delivered_at=tx.now))
