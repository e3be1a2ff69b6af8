"""The only SQL that writes notes and where they hang."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, literal, select, tuple_, union, update

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
    each = [_page(record, after, limit) for record in records]
    wanted = each[0] if len(each) == 1 else _merged(each, limit)
    found = list(tx.conn.execute(wanted))
    hung = _on(tx, [row.id for row in found])
    return [replace(Note(*row), on=hung.get(row.id, ())) for row in found]


def _page(record: str, after: tuple[datetime, str] | None, limit: int) -> Select[Any]:
    """Of one record, read in the order of its index."""
    place = note_on.c.at, note_on.c.note
    wanted = select(*_COLUMNS).join(note_on, and_(note_on.c.note == note.c.id, note_on.c.record == record))
    wanted = wanted.where(note.c.removed_at.is_(None)).order_by(*[column.desc() for column in place]).limit(limit)
    return (
        wanted if after is None else wanted.where(tuple_(*place) < tuple_(literal(after[0], note.c.at.type), after[1]))
    )


def _merged(each: Sequence[Select[Any]], limit: int) -> Select[Any]:
    """Of several, each note once: no more is read of any of them than the page may hold."""
    found = union(*[select(page.subquery()) for page in each]).subquery()
    return select(found).order_by(found.c.at.desc(), found.c.id.desc()).limit(limit)


def carry(tx: Tx, frm: str, to: str, via: str) -> int:
    """What hangs on one record hangs on another as well; also what is removed: it may be restored. Returns how many."""
    there = list(tx.conn.execute(select(note_on.c.note, note_on.c.at).where(note_on.c.record == frm)))
    told = [{"note": row.note, "record": to, "at": row.at, "via": via} for row in there]
    return len(rows.add(tx.conn, note_on, told, unique="note, record", back="note")) if told else 0


def uncarry(tx: Tx, via: str) -> None:
    """What one conversion or merge carried hangs there no longer."""
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
