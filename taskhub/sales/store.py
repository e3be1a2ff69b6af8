"""The only SQL that writes the projection of sales records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, bindparam, literal, select, tuple_, update

from taskhub.db import rows
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tx import Tx
from taskhub.db.types import instant_of, text_of
from taskhub.events.model import RecordRef, Version
from taskhub.sales.model import RecordState


def _of(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("record"))


# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_LOAD = {noun: _of(table) for noun, table in RECORDS.items()}
_LOCK = {noun: one.with_for_update() for noun, one in _LOAD.items()}
_SAVE = {noun: update(table).where(table.c.id == bindparam("record")) for noun, table in RECORDS.items()}


def add(tx: Tx, state: RecordState, connection: str | None) -> bool:
    """Stores what the first word about a record says; False when something was known, also at this very moment."""
    row = {"id": state.ref.id, "connection": connection, **_columns(state)}
    return bool(rows.add(tx.conn, RECORDS[state.ref.noun], [row], unique="id", back="id"))


def lock(tx: Tx, ref: RecordRef) -> RecordState | None:
    """What is known of a record, locked until the transaction ends."""
    row = tx.conn.execute(_LOCK[ref.noun], {"record": ref.id}).first()
    return _state(ref, row) if row else None


def load(tx: Tx, ref: RecordRef) -> RecordState | None:
    """What is known of a record."""
    row = tx.conn.execute(_LOAD[ref.noun], {"record": ref.id}).first()
    return _state(ref, row) if row else None


def _state(ref: RecordRef, row: Any) -> RecordState:
    versions = {name: Version(instant_of(at), tie) for name, (at, tie) in row.versions.items()}
    return RecordState(ref, row.fields, versions, row.first_seen_at, row.last_changed_at)


def save(tx: Tx, state: RecordState) -> None:
    """Writes a locked record."""
    tx.conn.execute(_SAVE[state.ref.noun], {"record": state.ref.id, **_columns(state)})


def _columns(state: RecordState) -> dict[str, Any]:
    shown = {name: _text(state.fields.get(name)) for name in ("status", "stage", "owner")}
    versions = {name: [text_of(v.at), v.tie] for name, v in state.versions.items()}
    return {
        "fields": dict(state.fields), "versions": versions, "first_seen_at": state.first_seen,
        "last_changed_at": state.last_changed, **shown,
    }  # fmt: skip


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def changed_since(tx: Tx, noun: str, since: datetime, most: int) -> list[str]:
    """Ids of the records of a noun that something was said of since then, newest first."""
    table = RECORDS[noun]
    newest = select(table.c.id).where(table.c.last_changed_at >= since).order_by(table.c.last_changed_at.desc())
    return list(tx.conn.execute(newest.limit(most)).scalars())


def find(
    tx: Tx, noun: str, filters: Mapping[str, Any], after: tuple[datetime, str] | None, limit: int
) -> Sequence[Any]:
    """Records of a noun, newest change first."""
    table = RECORDS[noun]
    wanted: Select[Any] = select(table).order_by(table.c.last_changed_at.desc(), table.c.id.desc()).limit(limit)
    for name, value in filters.items():
        column = table.c[name]
        wanted = wanted.where(column.in_(value) if isinstance(value, list | tuple | set) else column == value)
    if after is not None:
        place = tuple_(literal(after[0], table.c.last_changed_at.type), after[1])
        wanted = wanted.where(tuple_(table.c.last_changed_at, table.c.id) < place)
    return tx.conn.execute(wanted).all()
