"""The only SQL that writes notes and where they hang."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, exists, literal, select, tuple_, update

from taskhub.db import rows
from taskhub.db.tables_notes import note, note_on
from taskhub.db.tx import Tx
from taskhub.notes.model import Note

_COLUMNS = [
    note.c[name]
    for name in (
        "id", "kind", "by", "text", "url", "at", "changed_at", "removed_at", "removed_by", "question", "version",
    )
]  # fmt: skip
_ONE: Select[Any] = select(*_COLUMNS).where(note.c.id == bindparam("note"))
_LOCKED = _ONE.with_for_update()


def add(tx: Tx, new: Note) -> None:
    """Stores a note and hangs it on its records."""
    values = {column.name: getattr(new, column.name) for column in _COLUMNS}
    tx.conn.execute(note.insert().values(values))
    rows.insert(tx.conn, note_on, [{"note": new.id, "record": on, "at": new.at, "via": None} for on in new.on])


def get(tx: Tx, id_: str, *, lock: bool = False) -> Note | None:
    """One note with where it hangs."""
    row = tx.conn.execute(_LOCKED if lock else _ONE, {"note": id_}).first()
    return replace(Note(*row), on=_on(tx, [id_]).get(id_, ())) if row else None


def save(tx: Tx, id_: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked note."""
    tx.conn.execute(update(note).where(note.c.id == id_).values(**changes))


def on(tx: Tx, records: Sequence[str], after: tuple[datetime, str] | None, limit: int) -> list[Note]:
    """Notes that hang on any of these records and are there, newest first."""
    hangs = exists(select(note_on.c.note).where(note_on.c.note == note.c.id, note_on.c.record.in_(list(records))))
    if len(records) == 1:  # by its index, in order
        wanted = select(*_COLUMNS).join(note_on, and_(note_on.c.note == note.c.id, note_on.c.record == records[0]))
        place = note_on.c.at, note_on.c.note
    else:
        wanted, place = select(*_COLUMNS).where(hangs), (note.c.at, note.c.id)
    wanted = wanted.where(note.c.removed_at.is_(None)).order_by(*[column.desc() for column in place]).limit(limit)
    if after is not None:
        wanted = wanted.where(tuple_(*place) < tuple_(literal(after[0], note.c.at.type), after[1]))
    found = list(tx.conn.execute(wanted))
    hung = _on(tx, [row.id for row in found])
    return [replace(Note(*row), on=hung.get(row.id, ())) for row in found]


def carry(tx: Tx, frm: str, to: str, via: str) -> int:
    """What hangs on one record and is there hangs on another as well. Returns how many."""
    hanging = select(note_on.c.note, note_on.c.at).join(note, note.c.id == note_on.c.note)
    there = list(tx.conn.execute(hanging.where(note_on.c.record == frm, note.c.removed_at.is_(None))))
    told = [{"note": row.note, "record": to, "at": row.at, "via": via} for row in there]
    return len(rows.add(tx.conn, note_on, told, unique="note, record", back="note")) if told else 0


def uncarry(tx: Tx, via: str) -> None:
    """What one conversion carried hangs there no longer."""
    tx.conn.execute(delete(note_on).where(note_on.c.via == via))


def unhang(tx: Tx, records: Sequence[str]) -> None:
    """Nothing hangs on these records any longer."""
    if records:
        tx.conn.execute(delete(note_on).where(note_on.c.record.in_(records)))


def _on(tx: Tx, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    hung: dict[str, tuple[str, ...]] = {}
    wanted = select(note_on.c.note, note_on.c.record).where(note_on.c.note.in_(list(ids)))
    for row in tx.conn.execute(wanted.order_by(note_on.c.note, note_on.c.record)):
        hung[row.note] = (*hung.get(row.note, ()), row.record)
    return hung
