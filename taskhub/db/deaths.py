"""Rows that fail for good, and what is decided about them: what they were about learns of it in one transaction.

What a row was about is locked before the row, as its work does it, so that work, death and replay wait in one order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select, update

from taskhub.db import ledger, leftovers, storms
from taskhub.db.flow import Fate
from taskhub.db.ledger import BESIDE, ENDED, LIMIT, Taken
from taskhub.db.looks import OPEN, OUTSIDE, OUTSIDE_TRIES, TRIED, TRIES, Test
from taskhub.db.tables import message
from taskhub.db.tx import Tx

c = message.c


def fail(tx: Tx, row: Taken, error: str, again_at: datetime, *, dead: bool) -> None:
    """Notes a failed try of ``row``: it waits until ``again_at``, or is dead."""
    fate = _fate(tx, row.topic, row.handler) if dead else None
    if fate is not None:
        fate.hold(tx, [row.key], True)
    if ledger.fail(tx.conn, row, error, again_at, tx.now, dead=dead) and fate is not None:
        fate.died(tx, row.key, error)


def spent(conn: Connection, now: datetime) -> Sequence[Any]:
    """Up to LIMIT rows whose last try ended with their process: id, topic, handler, key."""
    # In the order of the index of tried rows: by their ids the whole ledger would be read.
    wanted = select(c.id, c.topic, c.handler, c.key).where(_spent(now)).order_by(c.due_at, c.id).limit(LIMIT)
    return list(conn.execute(wanted))


def declare(conn: Connection, now: datetime, ids: Collection[int]) -> dict[int, str]:
    """Declares those of these rows dead whose last try ended with their process. Returns why, by id."""
    if not ids:
        return {}
    reason = func.coalesce(c.error + BESIDE, "") + ENDED
    dying = update(message).where(c.id.in_(ids), _spent(now)).values(dead_at=now, error=reason)
    dead = {row.id: row.error for row in conn.execute(dying.returning(c.id, c.error))}
    if dead:
        storms.note(conn, now)
    return dead


def bury(tx: Tx) -> int:
    """Declares rows dead whose last try ended with their process. Returns how many.

    One whose event somebody has locked right now is left for the next time. To be called before any row is locked.
    """
    found = [(row, _fate(tx, row.topic, row.handler)) for row in spent(tx.conn, tx.now)]
    ids = [row.id for row, fate in found if fate is None or row.key not in fate.hold(tx, [row.key], False)]
    dead = declare(tx.conn, tx.now, ids)
    for row, fate in found:
        if fate is not None and row.id in dead:
            fate.died(tx, row.key, dead[row.id])
    return len(dead)


def _spent(now: datetime) -> Test:
    spent = case((OUTSIDE, or_(c.lost >= TRIES - 1, c.attempts >= OUTSIDE_TRIES)), else_=c.attempts >= TRIES)
    return and_(OPEN, TRIED, c.due_at <= now, c.token.is_not(None), c.until <= now, spent)


def revive(tx: Tx, number: int) -> dict[str, Any] | None:
    """Lets a dead row be tried again from its first try. Returns what it was; None: there is no such dead row."""
    row = leftovers.dead_one(tx.conn, number)
    fate = _fate(tx, row["topic"], row["handler"]) if row is not None else None
    if row is not None and fate is not None:
        fate.hold(tx, [row["key"]], True)
    if row is None or not ledger.revive(tx.conn, number, tx.now):
        return None
    if fate is not None:
        fate.revived(tx, row["key"])
    return row


def replay(tx: Tx, number: int) -> dict[str, Any] | None:
    """Somebody lets a dead row be tried again, which is on record. None: there is no such dead row."""
    row = revive(tx, number)
    if row is not None:
        tx.record("message", str(number), "replay", {"handler": row["handler"], "key": row["key"]})
    return row


def discard(tx: Tx, number: int, reason: str) -> dict[str, Any] | None:
    """Somebody gives a dead row up, which is on record: it is never tried again, and kept as long as a done one.

    What it was about stays as its failure left it. None: there is no such dead row.
    """
    row = leftovers.dead_one(tx.conn, number)
    if row is None or not leftovers.discard(tx.conn, number, tx.now):
        return None
    tx.record("message", str(number), "discard", {"handler": row["handler"], "key": row["key"], "reason": reason})
    return row


def _fate(tx: Tx, topic: str, handler: str) -> Fate | None:
    routes: Sequence[Any] = tx.flow.get(topic, ())
    return next((route.fate for route in routes if route.handler == handler), None)
