"""What a transaction sends: rows it adds to the ledger, written last before commit, and the timers it takes back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, case, delete, insert, text
from sqlalchemy.dialects import sqlite

from taskhub.db.quick import array, later, quick
from taskhub.db.tables import UNTAKEN, message

c = message.c


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
    source: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What a ``one`` row is the only one of."""
        return self.handler, self.key


def write(conn: Connection, rows: Sequence[Row], now: datetime) -> Callable[[], list[int]]:
    """Writes ``rows`` sorted by (handler, key), so that two emitters never wait for each other in a ring.

    What comes back gives, once it is committed, the ids of those already due: what the bell may ring for.
    """
    kept = _kept(rows)
    if conn.dialect.name == "postgresql":
        sent = later(conn, _WRITE, _columns(kept, now)) if kept else None
        return lambda: [id_ for id_, due_at in (sent.rows if sent else ()) if due_at <= now]
    found = _written(conn, kept, now)
    return lambda: [id_ for id_, due_at in found if due_at <= now]


def _kept(rows: Sequence[Row]) -> list[Row]:
    """Of the ``one`` rows of a place the last, with the soonest due time where that counts; sorted by place."""
    ones: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.mode == "one":
            other = ones.get(row.place)
            ones[row.place] = replace(row, due_at=min(row.due_at, other.due_at)) if other and row.earliest else row
    return sorted([*[row for row in rows if row.mode != "one"], *ones.values()], key=lambda row: row.place)


# Never DO NOTHING: the emitter must hold the row until it commits, or a taker misses what the emitter wrote.
# emitted_at stays: a wake that is emitted again and again must still grow old enough for the loop.
# Only rows of mode one are in the index that is asked for conflicts; the others are simply written.
_WRITE = quick(
    f"""
INSERT INTO message (topic, handler, key, source, mode, payload, emitted_at, due_at)
SELECT r.topic, r.handler, r.key, r.source, r.mode, r.payload::jsonb, :now, r.due_at
FROM unnest(:topics, :handlers, :keys, :sources, :modes, :payloads, :dues)
  AS r(topic, handler, key, source, mode, payload, due_at)
ON CONFLICT (handler, key) WHERE {UNTAKEN}
DO UPDATE SET topic = excluded.topic, payload = excluded.payload, due_at = CASE
  WHEN excluded.handler = ANY(:earliest) AND message.due_at < excluded.due_at THEN message.due_at
  ELSE excluded.due_at END
RETURNING id, due_at""",  # noqa: S608  only the index's own condition enters this text
    now="timestamptz",
    dues="timestamptz[]",
    **dict.fromkeys(("topics", "handlers", "keys", "sources", "modes", "payloads", "earliest"), "text[]"),
)


def _columns(rows: Sequence[Row], now: datetime) -> dict[str, Any]:
    return {
        "now": now, "topics": array(row.topic for row in rows), "handlers": array(row.handler for row in rows),
        "keys": array(row.key for row in rows), "sources": array(row.source for row in rows),
        "modes": array(row.mode for row in rows),
        "payloads": array(orjson.dumps(row.payload).decode() for row in rows),
        "dues": array(row.due_at.isoformat() for row in rows),
        "earliest": array({row.handler for row in rows if row.earliest}),
    }  # fmt: skip


def _written(conn: Connection, rows: Sequence[Row], now: datetime) -> list[Any]:
    found: list[Any] = []
    if plain := [_values(row, now) for row in rows if row.mode != "one"]:
        found += conn.execute(_INSERT, plain)
    for earliest in (False, True):
        if batch := [_values(row, now) for row in rows if row.mode == "one" and row.earliest is earliest]:
            found += conn.execute(_UPSERT[earliest], batch)
    return found


def _values(row: Row, now: datetime) -> dict[str, Any]:
    return {
        "topic": row.topic, "handler": row.handler, "key": row.key, "source": row.source, "mode": row.mode,
        "payload": row.payload, "emitted_at": now, "due_at": row.due_at,
    }  # fmt: skip


def _upsert(*, earliest: bool) -> Any:
    statement = sqlite.insert(message)
    new = statement.excluded
    due = case((new.due_at < c.due_at, new.due_at), else_=c.due_at) if earliest else new.due_at
    return statement.on_conflict_do_update(
        index_elements=["handler", "key"],
        index_where=text(UNTAKEN),
        set_={"due_at": due, "payload": new.payload, "topic": new.topic},
    ).returning(c.id, c.due_at)


# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_INSERT = insert(message).returning(c.id, c.due_at)
_UPSERT = {earliest: _upsert(earliest=earliest) for earliest in (False, True)}


def cancel(conn: Connection, timers: Collection[tuple[str, str]]) -> None:
    """Deletes the untaken timers of these (handler, key) pairs, where there are any."""
    which = (c.handler == bindparam("of"), c.key == bindparam("at"), text(UNTAKEN))
    conn.execute(delete(message).where(*which), [{"of": handler, "at": key} for handler, key in sorted(timers)])
