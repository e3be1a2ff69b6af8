"""The pulse of the workers: when one of them last looked, and which calendar job fired last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import job_fired, sweep
from taskhub.failpoints import failpoint


def beat(conn: Connection, now: datetime, *, every: timedelta) -> timedelta | None:
    """Notes a look at real instant ``now``. Returns the time since the last; None when that is less than ``every``.

    The row stays locked until commit, so exactly one worker sees a gap, and the others wait for what it does about it.
    """
    last: datetime | None = conn.execute(select(sweep.c.at).where(sweep.c.id == 1).with_for_update()).scalar()
    if last is None:
        conn.execute(_insert(conn, sweep).values(id=1, at=now).on_conflict_do_nothing())
        return None
    if timedelta() <= now - last < every:
        return None
    conn.execute(update(sweep).where(sweep.c.id == 1).values(at=now))
    failpoint("sweep.beaten")
    return now - last if now >= last else None  # a clock that was set back starts anew


def last(conn: Connection) -> datetime | None:
    """The real instant at which a worker last looked; None: none ever did."""
    at: datetime | None = conn.execute(select(sweep.c.at).where(sweep.c.id == 1)).scalar()
    return at


def resume(conn: Connection, at: datetime) -> None:
    """Notes taskhub's instant at which workers look again after a gap."""
    conn.execute(update(sweep).where(sweep.c.id == 1).values(resumed_at=at))


def resumed(conn: Connection) -> datetime | None:
    """When workers last looked again after a gap, in taskhub's time; None: there was no gap."""
    at: datetime | None = conn.execute(select(sweep.c.resumed_at).where(sweep.c.id == 1)).scalar()
    return at


def last_fired(conn: Connection) -> Mapping[str, datetime]:
    """The newest firing of every calendar job."""
    rows = conn.execute(select(job_fired.c.job, func.max(job_fired.c.fire_at)).group_by(job_fired.c.job))
    return {row[0]: row[1] for row in rows}


def fire(conn: Connection, job: str, fire_at: datetime, now: datetime) -> bool:
    """Claims one firing; False when another process has it already."""
    claim = _insert(conn, job_fired).values(job=job, fire_at=fire_at, at=now).on_conflict_do_nothing()
    return conn.execute(claim.returning(job_fired.c.job)).scalar() is not None


def forget_firings(conn: Connection, before: datetime) -> int:
    """Deletes firings older than ``before``, but for each job's newest. Returns how many."""
    return conn.execute(delete(job_fired).where(*_old(before))).rowcount


def count_old_firings(conn: Connection, before: datetime) -> int:
    """How many firings ``forget_firings`` would delete."""
    return int(conn.execute(select(func.count()).select_from(job_fired).where(*_old(before))).scalar_one())


def _old(before: datetime) -> tuple[Any, ...]:
    newest = select(func.max(job_fired.c.fire_at)).group_by(job_fired.c.job)
    return job_fired.c.fire_at < before, job_fired.c.fire_at.not_in(newest)


def _insert(conn: Connection, table: Any) -> Any:
    return (sqlite if conn.dialect.name == "sqlite" else postgresql).insert(table)
