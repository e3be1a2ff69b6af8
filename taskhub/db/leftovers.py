"""What is left of the ledger's rows: the dead are shown, the done are forgotten after a while, all are counted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, func, literal, literal_column, select, tuple_, update

from taskhub.db.rows import put
from taskhub.db.tables import counter, message

c = message.c
_MARK = "message.forgotten"


def dead(
    conn: Connection, *, limit: int = 100, handler: str | None = None, after: tuple[datetime, int] | None = None
) -> list[dict[str, Any]]:
    """The dead rows, newest first; ``after`` is (dead_at, id) of the last one seen."""
    which = [c.dead_at.is_not(None), *([c.handler == handler] if handler else [])]
    if after is not None:
        which.append(tuple_(c.dead_at, c.id) < tuple_(literal(after[0], c.dead_at.type), after[1]))
    rows = conn.execute(select(message).where(*which).order_by(c.dead_at.desc(), c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]


def dead_one(conn: Connection, number: int) -> dict[str, Any] | None:
    """One dead row; None: there is no such dead row."""
    row = conn.execute(select(message).where(c.id == number, c.dead_at.is_not(None))).one_or_none()
    return dict(row._mapping) if row is not None else None


def dead_of(conn: Connection, topics: Collection[str], key: str) -> list[tuple[int, str]]:
    """Id and topic of the dead rows about ``key``."""
    wanted = select(c.id, c.topic).where(c.dead_at.is_not(None), c.key == key, c.topic.in_(topics))
    wanted = wanted.order_by(c.dead_at, c.id)  # as the index of dead rows goes
    return [(id_, topic) for id_, topic in conn.execute(wanted)]


def discard(conn: Connection, number: int, now: datetime) -> bool:
    """A dead row is given up: from now on it counts like a done one, and says of itself that it is none."""
    new = {"dead_at": None, "done_at": now, "discarded_at": now}
    return conn.execute(update(message).where(c.id == number, c.dead_at.is_not(None)).values(new)).rowcount == 1


def waiting(conn: Connection, source: str, most: int) -> int:
    """How many rows of ``source`` are open, counted up to ``most``."""
    which = (c.source == source, c.source != literal_column("''"), c.done_at.is_(None), c.dead_at.is_(None))
    some = select(c.id).where(*which).limit(most).subquery()
    return int(conn.execute(select(func.count()).select_from(some)).scalar_one())


def forget(conn: Connection, before: datetime, *, limit: int) -> tuple[int, bool]:
    """Looks at the next ``limit`` rows, deletes those done before ``before``. Returns how many, and whether to go on.

    Goes round from the oldest to the first that is younger than ``before``: open rows in between cost a look each time.
    """
    behind = conn.execute(select(counter.c.value).where(counter.c.name == _MARK)).scalar() or 0
    next_ = select(c.id, c.done_at, c.emitted_at).where(c.id > behind).order_by(c.id).limit(limit)
    rows = list(conn.execute(next_))
    old = [row.id for row in rows if row.done_at is not None and row.done_at < before]
    if old:
        conn.execute(delete(message).where(c.id.in_(old)))
    more = len(rows) == limit and rows[-1].emitted_at < before
    put(conn, counter, [{"name": _MARK, "value": rows[-1].id if more else 0}])
    return len(old), more


def count_done(conn: Connection, before: datetime) -> int:
    """How many rows ``forget`` would delete in a whole round."""
    return int(conn.execute(select(func.count()).where(c.done_at < before)).scalar_one())


def census(conn: Connection, now: datetime) -> dict[str, int]:
    """How many rows wait for later, are due, are held and are dead: for the metrics and the doctor."""
    state = case(
        (c.dead_at.is_not(None), "dead"), (c.until > now, "held"), (c.due_at > now, "later"), else_="due",
    )  # fmt: skip
    rows = conn.execute(select(state, func.count()).where(c.done_at.is_(None)).group_by(state))
    return {"later": 0, "due": 0, "held": 0, "dead": 0} | {row[0]: row[1] for row in rows}
