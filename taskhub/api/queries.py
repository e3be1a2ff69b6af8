"""What screens and clients ask across rooms: reads only, each one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, exists, func, or_, select

from taskhub.db.tables import agent, history, lease, pause, sla_clock, task
from taskhub.db.tx import Tx
from taskhub.tasks.model import IN_PROGRESS, OPEN, PAUSED, Lease, Task

ASKED, IMPORTED = "asked:", "imported:"


class Extras(NamedTuple):
    """What tasks' JSON shows beyond their rows, each by task id."""

    warn_at: Mapping[str, datetime | None]
    lease_ends: Mapping[str, datetime]
    pauses: Mapping[str, Any]
    first_start: Mapping[str, Any]


def extras(tx: Tx, rows: Sequence[Task], lease_: Lease | None = None) -> Extras:
    """Clocks, lease and pause of tasks, each from its own index; ``lease_`` is known already and not asked for."""
    ends = {lease_.task: lease_.expires_at} if lease_ else {}
    started = [row.id for row in rows if row.state == IN_PROGRESS and row.id not in ends]
    paused = [row.id for row in rows if row.state == PAUSED]
    promised = [row.id for row in rows if row.ready_at is not None and (row.sla is not None or row.explicit_due)]
    live = select(lease.c.task, lease.c.expires_at)
    latest = select(pause.c.task, pause.c.by, pause.c.remind_at).order_by(pause.c.id)
    clocks = _rows(tx, select(sla_clock), sla_clock.c.task, promised)
    return Extras(
        {row.task: row.warn_at for row in clocks if row.target == "completion"},
        {**ends, **{row.task: row.expires_at for row in _rows(tx, live, lease.c.task, started)}},
        {row.task: row for row in _rows(tx, latest, pause.c.task, paused)},
        {row.task: row for row in clocks if row.target == "first_start"},
    )


def _rows(tx: Tx, wanted: Select[Any], key: Any, ids: list[str]) -> list[Any]:
    if not ids:
        return []
    return list(tx.conn.execute(wanted.where(key == ids[0] if len(ids) == 1 else key.in_(ids))))


def asked_by(tx: Tx, label: str, most: int = 1000) -> list[str]:
    """Ids of the tasks somebody ordered by hand, newest first."""
    begins, ends = f"{ASKED}{label}:", f"{ASKED}{label};"
    mine = select(task.c.id).where(task.c.origin > begins, task.c.origin < ends)
    return list(tx.conn.execute(mine.order_by(task.c.id.desc()).limit(most)).scalars())


def waiting(tx: Tx, queues: Sequence[str]) -> list[Any]:
    """Open tasks by (queue, state): count, how many are late, the earliest start_by."""
    late = func.sum(case((task.c.sla_state == "breached", 1), else_=0))
    found = select(task.c.queue, task.c.state, func.count(), late, func.min(task.c.start_by))
    found = found.where(task.c.queue.in_(queues), task.c.state.in_(OPEN)).group_by(task.c.queue, task.c.state)
    return list(tx.conn.execute(found))


def people(tx: Tx, teams: Iterable[str]) -> list[dict[str, Any]]:
    """Active people of teams with how much they hold: key, name, team, presence, capacity, held."""
    held = select(func.count()).where(task.c.agent == agent.c.key, task.c.state.in_(("assigned", "in_progress")))
    columns = (agent.c.key, agent.c.name, agent.c.team, agent.c.presence, agent.c.presence_until, agent.c.capacity)
    found = select(*columns, held.scalar_subquery().label("held")).where(agent.c.team.in_(list(teams)), agent.c.active)
    return [dict(row) for row in tx.conn.execute(found.order_by(agent.c.key)).mappings()]


def served(tx: Tx, noun: str, record_id: str, me: str | None, queues: Sequence[str]) -> bool:
    """Whether an open task of mine or of my queues is about the record; what I asked for or imported opens nothing."""
    about = [task.c.record == f"{noun}:{record_id}"]
    if noun in ("lead", "deal"):
        about.append(task.c[noun] == record_id)
    mine = or_(task.c.agent == (me or ""), task.c.queue.in_(list(queues)))
    own_making = [task.c.origin.not_like(f"{way}agent:{me}:%") for way in (ASKED, IMPORTED)]
    others = or_(task.c.origin.is_(None), and_(*own_making))
    return bool(tx.conn.execute(select(exists().where(or_(*about), mine, others, task.c.state.in_(OPEN)))).scalar())


def team_of_owner(tx: Tx, owner: str | None) -> str | None:
    """The team of the person who owns a record."""
    return tx.conn.execute(select(agent.c.team).where(agent.c.key == owner)).scalar() if owner else None


def members(tx: Tx, teams: Iterable[str]) -> list[str]:
    """Keys of the people of teams."""
    return list(tx.conn.execute(select(agent.c.key).where(agent.c.team.in_(list(teams)))).scalars())


def newest_change(tx: Tx) -> int:
    """The number of the newest history row."""
    return int(tx.conn.execute(select(func.max(history.c.row))).scalar() or 0)


def changes_since(tx: Tx, row: int, most: int = 500) -> list[Any]:
    """History rows behind ``row``: row, noun, id, act."""
    found = select(history.c.row, history.c.noun, history.c.id, history.c.act).where(history.c.row > row)
    return list(tx.conn.execute(found.order_by(history.c.row).limit(most)))


def language_of(tx: Tx, key: str) -> str | None:
    """The language a person reads."""
    return tx.conn.execute(select(agent.c.language).where(agent.c.key == key)).scalar()


def names_of(tx: Tx, keys: Iterable[str]) -> dict[str, str]:
    """What people are called."""
    found = select(agent.c.key, agent.c.name).where(agent.c.key.in_(list(keys)))
    return {row.key: row.name for row in tx.conn.execute(found)}
