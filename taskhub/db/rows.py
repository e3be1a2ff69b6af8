"""Many rows in one statement, on both databases: added where they are new, or written over what was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, text
from sqlalchemy.dialects import sqlite

from taskhub.db.quick import Quick, later, packed, quick, rows_into, run

Rows = Sequence[Mapping[str, Any]]


def insert(conn: Connection, table: Table, rows: Rows) -> None:
    """Inserts the rows, which are all new."""
    if rows and conn.dialect.name == "sqlite":
        conn.execute(table.insert(), [dict(row) for row in rows])
    elif rows:
        later(conn, _quick(table, tuple(rows[0]), ""), {"rows": packed(rows)})


def alter(conn: Connection, table: Table, rows: Rows, *, still: str = "") -> None:
    """Writes the columns each row names into the record of its ``id``; ``still`` must hold of it, as SQL."""
    if not rows:
        return
    names = tuple(name for name in rows[0] if name != "id")
    if conn.dialect.name == "sqlite":
        given = [{f"_{name}" if name == "id" else name: value for name, value in row.items()} for row in rows]
        conn.execute(_lite_alter(table, names, still), given)
    else:
        later(conn, _quick_alter(table, names, still), {"rows": packed(rows)})


def add(conn: Connection, table: Table, rows: Rows, *, unique: str, back: str) -> set[Any]:
    """Inserts the rows whose ``unique`` columns ("a" or "a, b") are new. Returns the ``back`` column of those.

    Every row has the same columns. What came back counts, not rowcount: PostgreSQL's driver does not count them.
    """
    if conn.dialect.name == "sqlite":
        return set(conn.execute(_lite_add(table, unique, back), [dict(row) for row in rows]).scalars())
    tail = f"ON CONFLICT ({unique}) DO NOTHING RETURNING {back}"
    return {row[0] for row in run(conn, _quick(table, tuple(rows[0]), tail), {"rows": packed(rows)})}


def keep(conn: Connection, table: Table, rows: Rows) -> None:
    """Inserts the rows whose primary key is new; the others stay as they are. Nobody waits to hear which those were."""
    if rows and conn.dialect.name == "sqlite":
        conn.execute(_lite_keep(table), [dict(row) for row in rows])
    elif rows:
        later(conn, _quick(table, tuple(rows[0]), "ON CONFLICT DO NOTHING"), {"rows": packed(rows)})


def put(conn: Connection, table: Table, rows: Rows) -> None:
    """Inserts the rows; where the primary key is known, the other columns they name are written over."""
    if not rows:
        return
    names = tuple(rows[0])
    if conn.dialect.name == "sqlite":
        conn.execute(_lite_put(table, names), [dict(row) for row in rows])
        return
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in table.primary_key.columns)
    tail = f"ON CONFLICT ({', '.join(table.primary_key.columns.keys())}) DO UPDATE SET {changes}"
    later(conn, _quick(table, names, tail), {"rows": packed(rows)})


@cache
def _quick(table: Table, names: tuple[str, ...], tail: str) -> Quick:
    return rows_into(table, names, tail)


# The server takes a set from JSON for a hundred rows, joins them with a young table by reading all of it, and keeps
# that plan while the table grows. What is always true, yet looks as if hardly a row met it, sends it to the index.
_FEW = "r.id || '' = r.id"


@cache
def _quick_alter(table: Table, names: tuple[str, ...], still: str) -> Quick:
    changes = ", ".join(f'"{name}" = r."{name}"' for name in names)
    rows = f"jsonb_populate_recordset(NULL::{table.name}, :rows)"
    held = f" AND {table.name}.{still}" if still else ""
    return quick(
        f"UPDATE {table.name} SET {changes} FROM {rows} r WHERE {table.name}.id = r.id AND {_FEW}{held}",  # noqa: S608
        rows="jsonb",
    )


# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
@cache
def _lite_add(table: Table, unique: str, back: str) -> Any:
    return sqlite.insert(table).on_conflict_do_nothing(index_elements=unique.split(", ")).returning(table.c[back])


@cache
def _lite_keep(table: Table) -> Any:
    return sqlite.insert(table).on_conflict_do_nothing()


@cache
def _lite_alter(table: Table, names: tuple[str, ...], still: str) -> Any:
    changed = table.update().where(table.c.id == bindparam("_id")).values({name: bindparam(name) for name in names})
    return changed.where(text(still)) if still else changed


@cache
def _lite_put(table: Table, names: tuple[str, ...]) -> Any:
    statement = sqlite.insert(table)
    primary = table.primary_key.columns.keys()
    changes = {name: statement.excluded[name] for name in names if name not in primary}
    return statement.on_conflict_do_update(index_elements=primary, set_=changes)
