"""What the demo shows: reads only, each bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select

from taskhub.agents.availability import on_shift, weekly
from taskhub.db.tables import agent, history, notification, task
from taskhub.db.tx import Tx

OPEN = ("blocked", "queued", "assigned", "in_progress", "paused")
HELD = ("assigned", "in_progress")


@dataclass(frozen=True, slots=True)
class Person:
    """One person and what they hold now."""

    key: str
    name: str
    team: str
    presence: str
    until: datetime | None
    holds: tuple[str, ...] = ()
    on_shift: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment: counts of open tasks by (queue, state), the oldest wait by queue, SLA states, people."""

    at: datetime
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest: dict[str, datetime] = field(default_factory=dict)
    sla: dict[str, int] = field(default_factory=dict)
    people: tuple[Person, ...] = ()
    completed: int = 0

    @property
    def waiting(self) -> int:
        """Tasks that nobody has yet."""
        return sum(count for (_, state), count in self.counts.items() if state == "queued")


def picture(tx: Tx, workers: tuple[str, ...]) -> Picture:
    """How things stand."""
    oldest = func.min(case((task.c.state == "queued", task.c.ready_at)))
    states = select(task.c.queue, task.c.state, func.count(), oldest).where(task.c.state.in_(OPEN))
    rows = list(tx.conn.execute(states.group_by(task.c.queue, task.c.state)))
    sla = select(task.c.sla_state, func.count()).where(task.c.state.in_(OPEN), task.c.sla_state.is_not(None))
    done = select(func.count()).select_from(task).where(task.c.state == "completed")
    return Picture(
        at=tx.now,
        counts={(queue, state): count for queue, state, count, _ in rows},
        oldest={queue: at for queue, _, _, at in rows if at is not None},
        sla={row[0]: row[1] for row in tx.conn.execute(sla.group_by(task.c.sla_state))},
        people=_people(tx, workers),
        completed=tx.conn.execute(done).scalar_one(),
    )


def _people(tx: Tx, workers: tuple[str, ...]) -> tuple[Person, ...]:
    held: dict[str, list[str]] = {}
    mine = select(task.c.agent, task.c.title).where(task.c.agent.in_(workers), task.c.state.in_(HELD))
    for key, title in tx.conn.execute(mine.order_by(task.c.state.desc(), task.c.id).limit(200)):
        held.setdefault(key, []).append(title)
    known = select(agent).where(agent.c.key.in_(workers)).order_by(agent.c.team, agent.c.key)
    return tuple(_person(tx, row, held.get(row.key, ())) for row in tx.conn.execute(known))


def _person(tx: Tx, row: Any, holds: Sequence[str]) -> Person:
    there = on_shift(row.time_zone, weekly(row.shifts or {}), tx.now)
    return Person(row.key, row.name, row.team, row.presence, row.presence_until, tuple(holds), there)


def moves_since(tx: Tx, row: int, acts: tuple[str, ...], most: int) -> list[Any]:
    """The newest ``most`` moves of tasks behind ``row``, oldest first: row, at, by, act, change, task, title, kind."""
    columns = (history.c.row, history.c.at, history.c.by, history.c.act, history.c.change)
    joined = select(*columns, task.c.id.label("task"), task.c.title, task.c.kind, task.c.agent)
    found = joined.join(task, and_(history.c.noun == "task", task.c.id == history.c.id))
    wanted = found.where(history.c.row > row, history.c.act.in_(acts)).order_by(history.c.row.desc()).limit(most)
    return list(reversed(list(tx.conn.execute(wanted))))


def newest_row(tx: Tx) -> int:
    """The number of the newest history row."""
    return int(tx.conn.execute(select(func.max(history.c.row))).scalar() or 0)


def notices_since(tx: Tx, last: str, most: int) -> list[Any]:
    """The newest ``most`` notifications behind the id ``last``, oldest first: id, at, agent, subject."""
    columns = (notification.c.id, notification.c.at, notification.c.agent, notification.c.subject)
    wanted = select(*columns).where(notification.c.id > last).order_by(notification.c.id.desc()).limit(most)
    return list(reversed(list(tx.conn.execute(wanted))))


def newest_notice(tx: Tx) -> str:
    """The id of the newest notification."""
    return str(tx.conn.execute(select(func.max(notification.c.id))).scalar() or "")
