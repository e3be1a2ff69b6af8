"""The ledger: outbox, timers, delayed work and deliveries in one table, taken by token, settled exactly once.

Taking is a short transaction of its own. Whoever holds the token does the work and settles the row in the work's own
transaction; a settle that touches no row means somebody else took over, and the work is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, delete, exists, func, insert, not_, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import UNTAKEN, message
from taskhub.ids import new_id

HOLD = timedelta(seconds=4)
BACKOFF = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))
TRIES = 3
OUTSIDE_BACKOFF = tuple(
    timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row to write."""

    topic: str
    handler: str
    key: str
    mode: str
    payload: dict[str, Any]
    due_at: datetime
    earliest: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A row this process holds: ``token`` is the proof."""

    id: int
    topic: str
    handler: str
    key: str
    mode: str
    payload: dict[str, Any]
    due_at: datetime
    attempts: int
    token: str


_open = and_(message.c.done_at.is_(None), message.c.dead_at.is_(None))


def write(conn: Connection, rows: Sequence[Row], now: datetime) -> list[int]:
    """Writes ``rows`` sorted by (handler, key), so that two emitters never wait for each other in a ring. Returns ids."""
    ones: dict[tuple[str, str], Row] = {}
    plain: list[Row] = []
    for row in rows:
        if row.mode != "one":
            plain.append(row)
            continue
        other = ones.get((row.handler, row.key))
        if other is None or not row.earliest or row.due_at < other.due_at:
            ones[row.handler, row.key] = row
    ids: list[int] = []
    if plain:
        plain.sort(key=lambda r: (r.handler, r.key))
        ids += conn.execute(insert(message).returning(message.c.id), [_values(r, now) for r in plain]).scalars()
    for earliest in (False, True):
        batch = sorted((r for r in ones.values() if r.earliest is earliest), key=lambda r: (r.handler, r.key))
        if batch:
            ids += conn.execute(_upsert(conn, earliest=earliest), [_values(r, now) for r in batch]).scalars()
    return ids


def _values(row: Row, now: datetime) -> dict[str, Any]:
    return {
        "topic": row.topic, "handler": row.handler, "key": row.key, "mode": row.mode, "payload": row.payload,
        "emitted_at": now, "due_at": row.due_at,
    }  # fmt: skip


def _upsert(conn: Connection, *, earliest: bool) -> Any:
    # Never DO NOTHING: the emitter must hold the row until it commits, or a taker misses what the emitter wrote.
    dialect: Any = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(message)
    new = statement.excluded
    due = case((new.due_at < message.c.due_at, new.due_at), else_=message.c.due_at) if earliest else new.due_at
    return statement.on_conflict_do_update(
        index_elements=["handler", "key"],
        index_where=text(UNTAKEN),
        set_={"due_at": due, "payload": new.payload, "topic": new.topic, "emitted_at": new.emitted_at},
    ).returning(message.c.id)


def cancel(conn: Connection, handler: str, key: str) -> None:
    """Deletes the untaken timer of (handler, key), if there is one."""
    conn.execute(delete(message).where(message.c.handler == handler, message.c.key == key, text(UNTAKEN)))


def take(conn: Connection, now: datetime, until: datetime, *, limit: int, rung_before: datetime) -> list[Taken]:
    """Takes up to ``limit`` due rows never tried before; where there are none, one row that was.

    Rows that were due when they were emitted are left to the bell until ``rung_before``. A row tried before is taken
    singly, so that a poison row cannot pull its neighbours down twice.
    """
    fresh = and_(message.c.token.is_(None), message.c.attempts == 0)
    for_loop = or_(message.c.due_at > message.c.emitted_at, message.c.emitted_at <= rung_before)
    rows = _take(conn, now, until, and_(fresh, for_loop), limit)
    return rows or _take(conn, now, until, again(now), 1)


def again(now: datetime) -> Any:
    """Rows that were taken before, whose wait or hold has ended and that have a try left."""
    ended = and_(message.c.token.is_not(None), message.c.until <= now)
    return and_(ended, or_(message.c.attempts < TRIES, message.c.mode == "outside"))


def take_one(conn: Connection, row_id: int, now: datetime, until: datetime) -> Taken | None:
    """Takes the rung row ``row_id`` if it is still due and untried: the bell's way."""
    fresh = and_(message.c.id == row_id, message.c.token.is_(None), message.c.attempts == 0)
    return next(iter(_take(conn, now, until, fresh, 1)), None)


def _take(conn: Connection, now: datetime, until: datetime, which: Any, limit: int) -> list[Taken]:
    other = message.alias()
    busy = exists().where(
        other.c.handler == message.c.handler, other.c.key == message.c.key, other.c.mode == "one",
        other.c.token.is_not(None), other.c.done_at.is_(None), other.c.dead_at.is_(None), other.c.id != message.c.id,
    )  # fmt: skip
    due = (
        select(message.c.id)
        .where(_open, message.c.due_at <= now, which, or_(message.c.mode != "one", not_(busy)))
        .order_by(message.c.due_at, message.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Two statements: PostgreSQL may run a LIMIT subquery of an UPDATE twice and then take more than it says.
    ids = list(conn.execute(due).scalars())
    if not ids:
        return []
    token = new_id()
    c = message.c
    result = conn.execute(
        update(message)
        .where(message.c.id.in_(ids))
        .values(token=token, until=until, attempts=c.attempts + 1)
        .returning(c.id, c.topic, c.handler, c.key, c.mode, c.payload, c.due_at, c.attempts)
    )
    taken = [Taken(*row, token=token) for row in result]
    return sorted(taken, key=lambda row: (row.due_at, row.id))


def settle(conn: Connection, row: Taken, now: datetime) -> bool:
    """Marks ``row`` done in the work's transaction; False when the token is no longer ours: roll back."""
    held = and_(message.c.id == row.id, message.c.token == row.token, message.c.done_at.is_(None))
    return conn.execute(update(message).where(held).values(done_at=now)).rowcount == 1


def fail(conn: Connection, row: Taken, error: str, again_at: datetime, now: datetime, *, dead: bool) -> None:
    """Notes a failed try: waits until ``again_at``, or is dead (visible, replayable)."""
    held = and_(message.c.id == row.id, message.c.token == row.token, message.c.done_at.is_(None))
    conn.execute(
        update(message).where(held).values(until=again_at, error=error[:4000], dead_at=now if dead else None)
    )


def give_back(conn: Connection, rows: Iterable[Taken], now: datetime) -> None:
    """Returns untouched rows uncounted: the process is stopping, or the database failed, not the work."""
    for row in rows:
        held = and_(message.c.id == row.id, message.c.token == row.token, message.c.done_at.is_(None))
        conn.execute(update(message).where(held).values(until=now, attempts=row.attempts - 1))


def prolong(conn: Connection, rows: Sequence[Taken], until: datetime) -> None:
    """One statement a second keeps everything this process is working on."""
    if rows:
        held = and_(message.c.id.in_([r.id for r in rows]), message.c.token.in_({r.token for r in rows}), _open)
        conn.execute(update(message).where(held).values(until=until))


def bury(conn: Connection, now: datetime) -> int:
    """Declares rows dead whose last try ended with their process. Returns how many."""
    lost = and_(_open, message.c.mode != "outside", message.c.attempts >= TRIES, message.c.until < now)
    reason = func.coalesce(message.c.error, "the process ended during the last try")
    return conn.execute(update(message).where(lost).values(dead_at=now, error=reason)).rowcount


def revive(conn: Connection, row_id: int, now: datetime) -> bool:
    """Replays a dead row from its first try. False when there is no such dead row."""
    dead = and_(message.c.id == row_id, message.c.dead_at.is_not(None))
    changed = conn.execute(
        update(message).where(dead).values(dead_at=None, attempts=0, until=now, due_at=now, error=None)
    )
    return changed.rowcount == 1


def next_due(conn: Connection) -> datetime | None:
    """When the earliest untaken row falls due."""
    return conn.execute(select(func.min(message.c.due_at)).where(_open, message.c.token.is_(None))).scalar()
