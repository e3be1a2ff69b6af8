"""Acts: what one call did, and what would take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select, update

from taskhub.db.tables import act, history


@dataclass(frozen=True, slots=True)
class Act:
    """One call: ``touched`` are (noun, id) pairs, ``inverse`` the call that undoes it, None where nothing does."""

    id: str
    by: str
    at: datetime
    kind: str
    touched: list[list[str]]
    inverse: dict[str, Any] | None
    undone_by: str | None


def of(conn: Connection, by: str, since: datetime, limit: int = 200) -> list[Act]:
    """Acts of one caller since then, newest first."""
    wanted = select(act).where(act.c.by == by, act.c.at >= since)
    rows = conn.execute(wanted.order_by(act.c.at.desc(), act.c.id.desc()).limit(limit))
    return [Act(*row) for row in rows]


def get(conn: Connection, act_id: str, *, lock: bool = False) -> Act | None:
    """One act."""
    wanted = select(act).where(act.c.id == act_id)
    row = conn.execute(wanted.with_for_update() if lock else wanted).first()
    return Act(*row) if row else None


def count(conn: Connection, by: str, kind: str, since: datetime) -> int:
    """How many acts of this kind one caller has done since then."""
    found = select(func.count()).select_from(act).where(act.c.by == by, act.c.at >= since, act.c.kind == kind)
    return conn.execute(found).scalar_one()


def undone(conn: Connection, act_id: str, by_act: str) -> None:
    """Notes that the act was taken back."""
    conn.execute(update(act).where(act.c.id == act_id).values(undone_by=by_act))


def touched_since(conn: Connection, one: Act) -> bool:
    """Whether a person's later act touched one of its records."""
    earlier, later = history.alias(), history.alias()
    records = or_(*[and_(later.c.noun == noun, later.c.id == id_) for noun, id_ in one.touched])
    own = select(earlier.c.row).where(earlier.c.act_id == one.id).order_by(earlier.c.row).limit(1)
    person = exists().where(act.c.id == later.c.act_id)
    after = select(later.c.row).where(records, later.c.act_id != one.id, person, later.c.row > own.scalar_subquery())
    return conn.execute(after.limit(1)).first() is not None
