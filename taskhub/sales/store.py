"""The only SQL that writes the projection of sales records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, func, literal, or_, select, tuple_, update

from taskhub.db import rows
from taskhub.db.tables_sales import RECORDS, conversion, stage_change
from taskhub.db.tx import Tx
from taskhub.db.types import instant_of, text_of
from taskhub.events.model import RecordRef, Version
from taskhub.sales.matching import key_of
from taskhub.sales.model import Conversion, RecordState


def _of(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("record"))


READ = ("title", "name", "company", "email")

# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_LOAD = {noun: _of(table) for noun, table in RECORDS.items()}
_LOCK = {noun: one.with_for_update() for noun, one in _LOAD.items()}
_SAVE = {noun: update(table).where(table.c.id == bindparam("record")) for noun, table in RECORDS.items()}


def add(tx: Tx, state: RecordState) -> bool:
    """Stores what the first word about a record says; False when something was known, also at this very moment."""
    row = {"id": state.ref.id, **_columns(state)}
    return bool(rows.add(tx.conn, RECORDS[state.ref.noun], [row], unique="id", back="id"))


def load_many(tx: Tx, noun: str, ids: Sequence[str]) -> list[RecordState]:
    """What is known of these records, in the order of their ids."""
    table = RECORDS[noun]
    found = tx.conn.execute(select(table).where(table.c.id.in_(ids)).order_by(table.c.id)) if ids else ()
    return [_state(RecordRef(noun, row.id), row) for row in found]


def add_many(tx: Tx, noun: str, states: Iterable[RecordState]) -> set[str]:
    """The same for many records of a noun, in the order of their ids. The ids of those of which nothing was known."""
    new = [{"id": one.ref.id, **_columns(one)} for one in sorted(states, key=lambda one: one.ref)]
    return rows.add(tx.conn, RECORDS[noun], new, unique="id", back="id") if new else set()


def remove(tx: Tx, ref: RecordRef, moves: Sequence[str]) -> None:
    """Takes a locked record away, with what these events have said of its way."""
    tx.conn.execute(delete(RECORDS[ref.noun]).where(RECORDS[ref.noun].c.id == ref.id))
    if moves:
        tx.conn.execute(delete(stage_change).where(stage_change.c.event.in_(moves)))


def known(tx: Tx, noun: str, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are there."""
    c = RECORDS[noun].c
    return set(tx.conn.execute(select(c.id).where(c.id.in_(ids))).scalars()) if ids else set()


def lock(tx: Tx, ref: RecordRef) -> RecordState | None:
    """What is known of a record, locked until the transaction ends."""
    row = tx.conn.execute(_LOCK[ref.noun], {"record": ref.id}).first()
    return _state(ref, row) if row else None


def lock_all(tx: Tx, refs: Collection[RecordRef], *, shared: bool = False) -> None:
    """Locks these records in their order, a statement for each noun; ``shared``: others may lock them so, too."""
    for noun in sorted({ref.noun for ref in refs}):
        c = RECORDS[noun].c
        mine = select(c.id).where(c.id.in_([ref.id for ref in refs if ref.noun == noun])).order_by(c.id)
        tx.conn.execute(mine.with_for_update(read=shared)).all()


def load(tx: Tx, ref: RecordRef) -> RecordState | None:
    """What is known of a record."""
    row = tx.conn.execute(_LOAD[ref.noun], {"record": ref.id}).first()
    return _state(ref, row) if row else None


def _state(ref: RecordRef, row: Any) -> RecordState:
    versions = {name: Version(instant_of(at), tie) for name, (at, tie) in row.versions.items()}
    seen = row.first_seen_at, row.last_changed_at
    return RecordState(ref, row.fields, versions, *seen, row.connection, row.version)


def save(tx: Tx, state: RecordState) -> None:
    """Writes a locked record."""
    tx.conn.execute(_SAVE[state.ref.noun], {"record": state.ref.id, **_columns(state)})


def raise_version(tx: Tx, state: RecordState) -> RecordState:
    """A person has changed a locked record."""
    tx.conn.execute(_SAVE[state.ref.noun], {"record": state.ref.id, "version": state.version + 1})
    return replace(state, version=state.version + 1)


def note_move(tx: Tx, *moves: Mapping[str, Any]) -> None:
    """Keeps what events say of the way of leads and deals; once more is the same once."""
    rows.put(tx.conn, stage_change, moves)


def hold(tx: Tx, names: Iterable[str]) -> None:
    """Nobody else makes what is found under these names until the transaction ends. SQLite has one writer anyway."""
    for name in sorted(names if not tx.lite else ()):
        tx.conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def matching(tx: Tx, noun: str, match_key: str) -> str | None:
    """The oldest record under that key that is still there."""
    c = RECORDS[noun].c
    found = select(c.id).where(c.match_key == match_key, c.deleted.is_(False)).order_by(c.first_seen_at, c.id)
    return tx.conn.execute(found.limit(1)).scalar()


def _columns(state: RecordState) -> dict[str, Any]:
    shown: dict[str, Any] = {name: _text(state.fields.get(name)) for name in ("status", "stage", "owner", "pipeline")}
    shown |= {"match_key": key_of(state.ref.noun, state.fields), "deleted": state.fields.get("deleted") is True}
    versions = {name: [text_of(v.at), v.tie] for name, v in state.versions.items()}
    return {
        "fields": dict(state.fields), "versions": versions, "first_seen_at": state.first_seen,
        "last_changed_at": state.last_changed, "connection": state.connection, **shown,
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
) -> list[RecordState]:
    """Records of a noun that are still there, newest change first; ``q``: with these letters in a field people read."""
    table = RECORDS[noun]
    wanted: Select[Any] = select(table).order_by(table.c.last_changed_at.desc(), table.c.id.desc()).limit(limit)
    wanted = wanted.where(table.c.deleted.is_(False))
    plain = dict(filters)
    if words := plain.pop("q", None):
        wanted = wanted.where(
            or_(*[table.c.fields[name].as_string().icontains(words, autoescape=True) for name in READ])
        )
    for name, value in plain.items():
        column = table.c[name]
        wanted = wanted.where(column.in_(value) if isinstance(value, list | tuple | set) else column == value)
    if after is not None:
        place = tuple_(literal(after[0], table.c.last_changed_at.type), after[1])
        wanted = wanted.where(tuple_(table.c.last_changed_at, table.c.id) < place)
    return [_state(RecordRef(noun, row.id), row) for row in tx.conn.execute(wanted)]


_CONVERSION = select(*[conversion.c[name] for name in Conversion.__slots__])


def add_conversion(tx: Tx, one: Conversion) -> None:
    """Puts a conversion on record."""
    tx.conn.execute(conversion.insert().values({name: getattr(one, name) for name in Conversion.__slots__}))


def live_conversion(tx: Tx, lead_id: str) -> Conversion | None:
    """The conversion of a lead that was not undone."""
    live = _CONVERSION.where(conversion.c.lead == lead_id, conversion.c.undone_at.is_(None))
    row = tx.conn.execute(live).first()
    return Conversion(*row) if row else None


def end_conversion(tx: Tx, id_: str, at: datetime, by: str) -> None:
    """A conversion was undone."""
    tx.conn.execute(update(conversion).where(conversion.c.id == id_).values(undone_at=at, undone_by=by))


def conversions_of(tx: Tx, noun: str, id_: str, *, besides: str) -> list[datetime]:
    """When the other live conversions came to that account or contact, oldest first."""
    c = conversion.c
    found = select(c.at).where(c[noun] == id_, c.undone_at.is_(None), c.id != besides).order_by(c.at)
    return list(tx.conn.execute(found).scalars())


def pointed_at(tx: Tx, ref: RecordRef) -> bool:
    """Whether a lead, deal or contact that is still there names this record."""
    tables = [RECORDS[noun] for noun in ("lead", "deal", "contact") if noun != ref.noun]
    naming = (
        select(table.c.id).where(table.c.fields[ref.noun].as_string() == ref.id, table.c.deleted.is_(False)).limit(1)
        for table in tables
    )
    return any(tx.conn.execute(one).first() is not None for one in naming)


def pointed_at_among(tx: Tx, noun: str, ids: Sequence[str]) -> set[str]:
    """Those of the records of a noun that a lead, deal or contact that is still there names: one look for all."""
    found: set[str] = set()
    for table in (RECORDS[one] for one in ("lead", "deal", "contact") if one != noun and ids):
        named = table.c.fields[noun].as_string()
        found |= set(tx.conn.execute(select(named).where(named.in_(ids), table.c.deleted.is_(False))).scalars())
    return found


def stage_since(tx: Tx, noun: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Since when each lead or deal is at its stage, as far as events have said."""
    c = stage_change.c
    mine = select(c.record, func.max(c.at)).where(c.noun == noun, c.record.in_(ids), c.stage.is_not(None))
    return {row[0]: row[1] for row in tx.conn.execute(mine.group_by(c.record))} if ids else {}


def moves_of(tx: Tx, noun: str, id_: str) -> list[dict[str, Any]]:
    """What events have said of the way of one lead or deal, oldest first."""
    c = stage_change.c
    mine = select(stage_change).where(c.noun == noun, c.record == id_).order_by(c.at, c.event)
    return [dict(row) for row in tx.conn.execute(mine).mappings()]
