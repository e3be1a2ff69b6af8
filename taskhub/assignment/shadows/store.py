"""The only SQL that writes runs of shadows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from taskhub.db.tables import shadow_run
from taskhub.db.tx import Tx


@dataclass(frozen=True, slots=True)
class Run:
    """``asked``: model, params, strategy, strategy_params. ``done`` of ``total`` passes and claims were asked.

    ``state`` says how to go on. ``result`` stands there once it has ended, ``error`` where it could not.
    """

    id: str
    queue: str
    by: str
    at: datetime
    since: datetime
    until: datetime
    asked: Mapping[str, Any]
    done: int
    total: int
    state: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    ended_at: datetime | None
    error: str | None


_COLUMNS = [shadow_run.c[name] for name in Run.__slots__]


def add(tx: Tx, new: Run) -> None:
    """Stores a new run."""
    tx.conn.execute(insert(shadow_run).values({name: getattr(new, name) for name in Run.__slots__}))


def get(tx: Tx, id_: str, *, lock: bool = False) -> Run | None:
    """One run."""
    wanted = select(*_COLUMNS).where(shadow_run.c.id == id_)
    row = tx.conn.execute(wanted.with_for_update() if lock else wanted).first()
    return Run(*row) if row else None


def save(tx: Tx, id_: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked run."""
    tx.conn.execute(update(shadow_run).where(shadow_run.c.id == id_).values(**changes))


def of_queue(tx: Tx, queue: str, most: int) -> list[Run]:
    """The newest runs of a queue."""
    mine = select(*_COLUMNS).where(shadow_run.c.queue == queue).order_by(shadow_run.c.at.desc(), shadow_run.c.id.desc())
    return [Run(*row) for row in tx.conn.execute(mine.limit(most))]


def open_runs(tx: Tx, since: datetime) -> int:
    """How many of those begun since then have not ended."""
    still = shadow_run.c.ended_at.is_(None), shadow_run.c.at > since
    return int(tx.conn.execute(select(func.count()).select_from(shadow_run).where(*still)).scalar_one())


def forget(tx: Tx, before: datetime) -> int:
    """Drops what was begun before then. How many that were."""
    return tx.conn.execute(delete(shadow_run).where(shadow_run.c.at < before)).rowcount
