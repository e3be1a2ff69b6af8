"""The demo clock's one row, and where history ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from taskhub.db.tables import demo_clock, history

Spans = Sequence[tuple[datetime, datetime]]


def is_demo(conn: Connection) -> bool:
    """Whether a demo has run in this database."""
    return conn.execute(select(demo_clock.c.id)).first() is not None


def newest(conn: Connection) -> tuple[int, datetime | None]:
    """Number and instant of the newest history row; (0, None) when nothing has happened yet."""
    row, at = conn.execute(select(func.max(history.c.row), func.max(history.c.at))).one()
    return int(row or 0), at


def put_clock(conn: Connection, origin: datetime, speed: float, spans: Spans) -> None:
    """From now on every process of this database lives in that time."""
    told = [[begin.isoformat(), end.isoformat()] for begin, end in spans]
    conn.execute(delete(demo_clock))
    conn.execute(insert(demo_clock).values(id=1, origin=origin, speed=speed, spans=told))
