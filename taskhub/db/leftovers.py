"""What is left of the ledger's rows: the dead are shown, the done are forgotten after a while, all are counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, func, select

from taskhub.db.tables import message

c = message.c


def dead(conn: Connection, *, limit: int = 100, handler: str | None = None) -> list[dict[str, Any]]:
    """The dead rows, newest first."""
    which = [c.dead_at.is_not(None), *([c.handler == handler] if handler else [])]
    rows = conn.execute(select(message).where(*which).order_by(c.dead_at.desc(), c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]


def forget(conn: Connection, before: datetime, *, limit: int) -> int:
    """Deletes up to ``limit`` rows that were done before ``before``, oldest first. Returns how many."""
    old = list(conn.execute(select(c.id).where(c.done_at < before).order_by(c.id).limit(limit)).scalars())
    return conn.execute(delete(message).where(c.id.in_(old))).rowcount if old else 0


def census(conn: Connection, now: datetime) -> dict[str, int]:
    """How many rows wait for later, are due, are held and are dead: for the metrics and the doctor."""
    state = case(
        (c.dead_at.is_not(None), "dead"), (c.until > now, "held"), (c.due_at > now, "later"), else_="due",
    )  # fmt: skip
    rows = conn.execute(select(state, func.count()).where(c.done_at.is_(None)).group_by(state))
    return {"later": 0, "due": 0, "held": 0, "dead": 0} | {row[0]: row[1] for row in rows}
