"""What an import asks of the house: who people are, whether somebody has worked on what it made. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, exists, or_, select

from taskhub.db.tables import act, agent, history, task
from taskhub.db.tx import Tx


class Person(NamedTuple):
    """Somebody, and every name they go by."""

    key: str
    name: str
    aliases: frozenset[str]
    active: bool


def people(tx: Tx) -> list[Person]:
    """Everybody."""
    c = agent.c
    rows = tx.conn.execute(select(c.key, c.name, c.email, c.external_ids, c.active).order_by(c.key))
    return [Person(r.key, r.name, frozenset(_aliases(r)), r.active) for r in rows]


def _aliases(row: Any) -> set[str]:
    return {row.key, row.name, row.email or row.key, *map(str, row.external_ids.values())}


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
