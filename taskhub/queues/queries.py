"""What is shown of a queue beside what was said of it: reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select

from taskhub.db.tables import duty, pool_state, task
from taskhub.db.tx import Tx


def ahead(tx: Tx, queues: Sequence[str], until: Mapping[str, datetime]) -> dict[str, tuple[int, float]]:
    """Name -> how many waiting tasks of ``queues`` stand before that instant, and their expected minutes."""
    columns: list[Any] = []
    for name, at in until.items():
        before = task.c.start_by <= at
        columns += [func.sum(case((before, 1), else_=0)).label(f"n_{name}")]
        columns += [func.sum(case((before, task.c.minutes), else_=0.0)).label(f"m_{name}")]
    row = tx.conn.execute(select(*columns).where(task.c.queue.in_(queues), task.c.state == "queued")).one()
    found = row._mapping
    return {name: (int(found[f"n_{name}"] or 0), float(found[f"m_{name}"] or 0)) for name in until}


def pool(tx: Tx, queue: str) -> dict[str, Any] | None:
    """What workers found for a model that looks beyond the person; None where it does not."""
    row = tx.conn.execute(select(pool_state).where(pool_state.c.queue == queue)).first()
    if row is None:
        return None
    return {"open": row.open, "members": row.members, "version": row.version, "at": row.at}


def duties(tx: Tx, queue: str, most: int = 20) -> list[dict[str, Any]]:
    """Who is on duty now and next, from the planned rota."""
    rows = select(duty).where(duty.c.queue == queue, duty.c.until_at > tx.now)
    found = tx.conn.execute(rows.order_by(duty.c.from_at, duty.c.agent).limit(most))
    return [
        {"agent": row.agent, "from": row.from_at, "until": row.until_at, "kinds": row.kinds,
         "now": row.from_at <= tx.now}
        for row in found
    ]  # fmt: skip


def arrived(tx: Tx, queue: str, since: datetime) -> int:
    """Tasks made in a queue since then: what rules went on making after it was closed."""
    wanted = select(func.count()).select_from(task).where(task.c.queue == queue, task.c.created_at >= since)
    return int(tx.conn.execute(wanted).scalar_one())
