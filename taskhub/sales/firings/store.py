"""The only SQL that writes what was acted upon."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select, update

from taskhub.db import rows
from taskhub.db.tables_connectors import firing
from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef, Version
from taskhub.ids import digest
from taskhub.sales.model import Firing

c = firing.c


def of(tx: Tx, ref: RecordRef) -> list[Firing]:
    """What was acted upon of one record, which its caller has locked."""
    found = tx.conn.execute(select(c.field, c.value, c.at, c.tie, c.taken_at).where(c.record == str(ref)))
    return [Firing(ref, row.field, row.value, Version(row.at, row.tie), row.taken_at) for row in found]


def keep(tx: Tx, fired: Iterable[Firing]) -> None:
    """Remembers; once more is the same once."""
    new = [
        {
            "id": _id(one), "record": str(one.ref), "field": one.field, "value": one.value, "at": one.version.at,
            "tie": one.version.tie, "noted_at": tx.now,
        }
        for one in fired
    ]  # fmt: skip
    rows.put(tx.conn, firing, new)


def take(tx: Tx, used: Iterable[Firing], at: datetime) -> None:
    """These have absorbed the change that happened at ``at``."""
    tx.conn.execute(update(firing).where(c.id.in_([_id(one) for one in used])).values(taken_at=at))


def forget(tx: Tx, before: datetime, limit: int) -> int:
    """Forgets up to ``limit`` that were noted before then. Returns how many."""
    old = list(tx.conn.execute(select(c.id).where(c.noted_at < before).order_by(c.noted_at).limit(limit)).scalars())
    if old:
        tx.conn.execute(delete(firing).where(c.id.in_(old)))
    return len(old)


def count(tx: Tx, before: datetime) -> int:
    """How many ``forget`` would forget."""
    return int(tx.conn.execute(select(func.count()).select_from(firing).where(c.noted_at < before)).scalar_one())


def _id(one: Firing) -> str:
    return digest("firing", str(one.ref), one.field, one.value, one.version.at.isoformat())
