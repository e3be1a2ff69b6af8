"""What is on its way to each CRM, and what was given up. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select

from taskhub.db.tables import message
from taskhub.db.tx import Tx

HANDLERS = ("crm.work", "crm.ask", "crm.answered")
c = message.c
_CONNECTION = c.payload["connection"].as_string()
_OURS = and_(c.handler.in_(HANDLERS), c.done_at.is_(None))


@dataclass(frozen=True, slots=True)
class Load:
    """Of one connection: rows that wait (``failing``: of these, tried before) and rows that were given up."""

    waiting: int = 0
    failing: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row. ``what``: task or act; ``about`` the task's or act's id; ``dead_at`` None: tried again at ``due_at``."""

    row: int
    connection: str
    what: str
    about: str
    tries: int
    due_at: datetime
    dead_at: datetime | None
    reason: str


def loads(tx: Tx) -> dict[str, Load]:
    """By connection."""
    alive = c.dead_at.is_(None)
    counts = [func.sum(case((which, 1), else_=0)) for which in (alive, and_(alive, c.error.is_not(None)), ~alive)]
    rows = tx.conn.execute(select(_CONNECTION, *counts).where(_OURS, _CONNECTION.is_not(None)).group_by(_CONNECTION))
    return {row[0]: Load(*map(int, row[1:])) for row in rows}


def of(tx: Tx, connection: str, most: int, *, dead: bool = False) -> Sequence[Delivery]:
    """What is on its way to one, the soonest first; ``dead``: only what was given up."""
    wanted = select(message).where(_OURS, connection == _CONNECTION)
    if dead:
        wanted = wanted.where(c.dead_at.is_not(None))
    return [_delivery(row) for row in tx.conn.execute(wanted.order_by(c.due_at, c.id).limit(most))]


def _delivery(row: Any) -> Delivery:
    task = row.payload.get("task")
    reason = (row.error or "").partition("\n")[0]
    what = "task" if task else "act"
    return Delivery(
        row.id, row.payload["connection"], what, task or row.key, row.attempts, row.due_at, row.dead_at, reason
    )
