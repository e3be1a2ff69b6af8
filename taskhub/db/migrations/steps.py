"""Steps of revisions that keep nobody waiting, and that may be begun again after they were cut short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alembic import op
from sqlalchemy import Column, text


def add_column(table: str, column: Column[Any]) -> None:
    """A column that may be empty or has a server default: nothing is rewritten, and old code need not know it."""
    postgres = op.get_context().dialect.name == "postgresql"
    op.add_column(table, column, if_not_exists=True if postgres else None)


def create_index(name: str, table: str, columns: Sequence[str], *, where: str | None = None) -> None:
    """An index, made while others go on writing. Ends the transaction so far: let it be the last step of its revision.

    PostgreSQL leaves a broken one behind when it is interrupted; the next try removes it first.
    """
    condition = text(where) if where else None
    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, columns, sqlite_where=condition)
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=condition)


def tune(table: str, settings: Mapping[str, str]) -> None:
    """Storage settings of a table on PostgreSQL: no reader or writer waits for them, and no code sees them."""
    if op.get_context().dialect.name == "postgresql":
        told = ", ".join(f"{name} = {value}" for name, value in settings.items())
        op.execute(f"ALTER TABLE {table} SET ({told})")


def taken_away(revision: str) -> None:
    """Called by a revision with ``contract = True``: code older than ``revision`` can no longer use these tables."""
    new = {"name": "schema.contract", "value": int(revision)}
    put = "INSERT INTO counter (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"
    op.get_bind().execute(text(put), new)
