"""Moves a whole database to another one: SQLite to PostgreSQL when a house grows, or back.

The source is held still, the target must be empty. Every table is written and read back in one transaction of the
target: it is all there and the same, or nothing is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Table, func, insert, select, text

from taskhub.db import chain, engine, migrate
from taskhub.db.tables import counter, history, metadata
from taskhub.db.types import text_of
from taskhub.errors import Conflict, InvalidInput

AT_ONCE = 1_000
FENCE = "fence"
NUMBERED = ("history", "message", "pause")  # tables whose key the database counts

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows, and a hash of all of them that the order of rows does not change."""

    table: str
    rows: int
    hash: str


def copy(source: str, target: str, progress: Progress = lambda _table, _rows: None) -> list[Copied]:
    """Copies every table and the counters from ``source`` to ``target`` (database addresses).

    Raises InvalidInput when the source is of another version, Conflict when the target is not empty or what was
    written is not what was read. ``progress`` is told table and rows so far.
    """
    if source == target:
        raise InvalidInput("Source and target are the same database.")
    if problems := migrate.check(source):
        raise InvalidInput(f"The source cannot be copied: {' '.join(problems)}")
    migrate.upgrade(target)
    give, take = engine.writer(source, 1), engine.writer(target, 1)
    try:
        with give.connect() as origin, take.connect() as copied:
            _hold_still(origin)
            _check_empty(copied)
            done = [_table(origin, copied, table, progress) for table in metadata.sorted_tables]
            _counters(origin, copied)
            copied.commit()
            return done
    finally:
        give.dispose()
        take.dispose()


def _hold_still(origin: Connection) -> None:
    """SQLite is held by the write lock its transaction begins with; PostgreSQL shows one moment to the end."""
    if origin.dialect.name == "postgresql":
        origin.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        origin.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        origin.execute(text("SET LOCAL statement_timeout = 0"))


def _check_empty(copied: Connection) -> None:
    if copied.dialect.name == "postgresql":
        copied.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        copied.execute(text("SET LOCAL statement_timeout = 0"))
    for table in metadata.sorted_tables:
        if copied.execute(select(text("1")).select_from(table).limit(1)).first() is not None:
            raise Conflict(
                f"The target is not empty: it has rows in {table.name}. Name a new database; nothing was changed.",
                code="target_not_empty",
            )


def _table(origin: Connection, copied: Connection, table: Table, progress: Progress) -> Copied:
    rows, given = 0, 0
    for some in _portions(origin, table):
        given = (given + sum(map(_digest, some))) % 2**256
        copied.execute(insert(table), [_as_new(table, row) for row in some])
        rows += len(some)
        progress(table.name, rows)
    there, taken = 0, 0
    for some in _portions(copied, table):
        taken = (taken + sum(map(_digest, some))) % 2**256
        there += len(some)
    if (rows, given) != (there, taken):
        raise Conflict(
            f"{table.name} came over differently: {rows} rows were read, {there} are there. Nothing was changed.",
            code="copy_differs",
        )
    return Copied(table.name, rows, f"{given:064x}")


def _portions(conn: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Every row but the counter of fences, which the databases keep in different places."""
    wanted = select(table).execution_options(stream_results=True, yield_per=AT_ONCE)
    if table is counter:
        wanted = wanted.where(counter.c.name != FENCE)
    yield from conn.execute(wanted).mappings().partitions()


def _as_new(table: Table, row: Any) -> dict[str, Any]:
    """Transaction numbers belong to the server that gave them: in another they would point at strangers."""
    return {**row, "xid": 0} if table is history else dict(row)


def _digest(row: Any) -> int:
    told = orjson.dumps([_plain(value) for name, value in row.items() if name != "xid"])
    return int.from_bytes(hashlib.sha256(told).digest(), "big")


def _plain(value: Any) -> Any:
    """A value in the one form that both databases give back."""
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return chain.canonical(orjson.dumps(value).decode()).decode()
    return value


def _counters(origin: Connection, copied: Connection) -> None:
    """Numbers go on where they stood, also those of rows that are long gone: they named deliveries to others."""
    for name in NUMBERED:
        last = max(_last(origin, name), int(copied.execute(_highest(metadata.tables[name])).scalar() or 0))
        if last:
            _go_on(copied, name, last)
    fence = _fence(origin)
    if fence and copied.dialect.name == "sqlite":
        copied.execute(insert(counter).values(name=FENCE, value=fence))
    elif fence:
        copied.execute(text("SELECT setval('fence', :last)"), {"last": fence})


def _highest(table: Table) -> Any:
    return select(func.max(next(iter(table.primary_key.columns))))


def _last(conn: Connection, name: str) -> int:
    if conn.dialect.name == "sqlite":
        asked = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(conn.execute(asked, {"name": name}).scalar() or 0)
    return _last_value(conn, _sequence(conn, name))


def _go_on(conn: Connection, name: str, last: int) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT setval(:sequence, :last)"), {"sequence": _sequence(conn, name), "last": last})
    elif metadata.tables[name].dialect_options["sqlite"]["autoincrement"]:
        given = {"name": name, "last": last}
        conn.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), given)
        conn.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), given)


def _sequence(conn: Connection, name: str) -> str:
    key = next(iter(metadata.tables[name].primary_key.columns)).name
    asked = text("SELECT pg_get_serial_sequence(:name, :key)")
    return str(conn.execute(asked, {"name": name, "key": key}).scalar_one())


def _fence(conn: Connection) -> int:
    if conn.dialect.name == "sqlite":
        return int(conn.execute(select(counter.c.value).where(counter.c.name == FENCE)).scalar() or 0)
    return _last_value(conn, FENCE)


def _last_value(conn: Connection, sequence: str) -> int:
    """0 where nothing was drawn from it yet."""
    row = conn.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608  a name of our own
    return int(row.last_value) if row.is_called else 0
