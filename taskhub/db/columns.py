"""How the page of tables is written: short words for columns, and the naming of indexes and constraints."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, Table, text
from sqlalchemy.schema import SchemaItem

from taskhub.db.types import Key

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Rows that are written over and over: swept long before the dead ones are a fifth, and without pauses.
BUSY = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_cost_delay": "0",
    "autovacuum_analyze_scale_factor": "0.05",
}


def table(name: str, *items: SchemaItem, **options: Any) -> Table:
    """A table of the one metadata."""
    return Table(name, metadata, *items, **options)


def may(kind: Any, *names: str) -> list[Column[Any]]:
    """Columns that may be empty."""
    return [Column(name, kind) for name in names]


def must(kind: Any, *names: str) -> list[Column[Any]]:
    """Columns that are never empty."""
    return [Column(name, kind, nullable=False) for name in names]


def where(condition: str) -> dict[str, Any]:
    """The condition of a partial index, in both dialects."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


def keys(*names: str) -> list[Column[Any]]:
    """The columns of a primary key."""
    return [Column(name, Key, primary_key=True) for name in names]
