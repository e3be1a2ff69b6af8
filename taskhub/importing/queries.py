"""What an import asks of the house: who people are, whether somebody has worked on what it made. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import and_, exists, or_, select

from taskhub.db.tables import act, agent, history, task
from taskhub.db.tx import Tx


def people(tx: Tx) -> list[tuple[str, set[str], bool]]:
    """(key, every name they go by, active) of everybody."""
    c = agent.c
    rows = tx.conn.execute(select(c.key, c.name, c.email, c.external_ids, c.active).order_by(c.key))
    return [(r.key, {r.key, r.name, r.email or r.key, *map(str, r.external_ids.values())}, r.active) for r in rows]


def acted_on(tx: Tx, noun: str, ids: Sequence[str]) -> set[str]:
    """Those of the records that a person's act stands in the history of."""
    c = history.c
    person = exists().where(act.c.id == c.act_id)
    return set(tx.conn.execute(select(c.id).where(c.noun == noun, c.id.in_(ids), person)).scalars())


def with_work(tx: Tx, noun: str, ids: Sequence[str], besides: Collection[str]) -> set[str]:
    """Those of the leads or deals that tasks are about; those that came of the events ``besides`` count once begun."""
    if noun not in ("lead", "deal"):
        return set()
    begun = and_(task.c.started_at.is_not(None), task.c.state != "cancelled")
    other = or_(task.c.event.is_(None), task.c.event.not_in(besides))
    column = task.c[noun]
    about = select(column).where(column.in_(ids), or_(and_(other, task.c.state != "cancelled"), begun))
    return set(tx.conn.execute(about).scalars())
