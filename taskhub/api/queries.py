"""What screens and clients ask across rooms: reads only, each one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select

from taskhub.db.tables import agent, history, task
from taskhub.db.tx import Tx
from taskhub.tasks.model import OPEN

ASKED, IMPORTED = "asked:", "imported:"


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
