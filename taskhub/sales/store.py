"""The only SQL that writes the projection of sales records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import RECORDS
from taskhub.db.tx import Tx
from taskhub.db.types import instant_of, text_of
from taskhub.events.model import RecordRef, Version
from taskhub.sales.model import RecordState


def lock(tx: Tx, ref: RecordRef, connection: str | None) -> RecordState | None:
    """Locks the record, making its row when this is the first word of it. None: nothing was known."""
    table = RECORDS[ref.noun]
    dialect: Any = sqlite if tx.lite else postgresql
    born: dict[str, Any] = {"id": ref.id, "connection": connection, "fields": {}, "versions": {}}
    born |= {"first_seen_at": tx.now, "last_changed_at": tx.now}
    # What came back, not rowcount: PostgreSQL's driver does not count inserted rows.
    make = dialect.insert(table).values(**born).on_conflict_do_nothing(index_elements=["id"]).returning(table.c.id)
    if tx.conn.execute(make).first() is not None:
        return None
    return _state(ref, tx.conn.execute(select(table).where(table.c.id == ref.id).with_for_update()).one())


def load(tx: Tx, ref: RecordRef) -> RecordState | None:
    """What is known of a record."""
    table = RECORDS[ref.noun]
    row = tx.conn.execute(select(table).where(table.c.id == ref.id)).first()
    return _state(ref, row) if row else None


def _state(ref: RecordRef, row: Any) -> RecordState:
    versions = {name: Version(instant_of(at), tie) for name, (at, tie) in row.versions.items()}
    return RecordState(ref, row.fields, versions, row.first_seen_at, row.last_changed_at)


def save(tx: Tx, state: RecordState) -> None:
    """Writes a locked record."""
    table, fields = RECORDS[state.ref.noun], state.fields
    shown = {name: _text(fields.get(name)) for name in ("status", "stage", "owner")}
    versions = {name: [text_of(v.at), v.tie] for name, v in state.versions.items()}
    tx.conn.execute(
        update(table)
        .where(table.c.id == state.ref.id)
        .values(
            fields=dict(fields), versions=versions, first_seen_at=state.first_seen, last_changed_at=state.last_changed,
            **shown,
        )
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


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
