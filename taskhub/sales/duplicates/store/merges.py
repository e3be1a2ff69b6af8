"""Merges on record, and who still points at a record by a field. A record is noun:id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, literal, select, tuple_, update

from taskhub.db.quick import array, quick, run
from taskhub.db.tables_merges import merge
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tx import Tx


@dataclass(frozen=True, slots=True)
class Merge:
    """``gone`` went into ``stays``; ``done`` holds what undo needs, ``batch`` names those that were done together."""

    id: str
    gone: str
    stays: str
    by: str
    at: datetime
    done: Mapping[str, Any]
    batch: str | None
    undone_by: str | None
    undone_at: datetime | None


_COLUMNS = [merge.c[name] for name in Merge.__slots__]
_LIVE = merge.c.undone_at.is_(None)
# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_OF = select(*_COLUMNS).where(merge.c.gone.in_(bindparam("records", expanding=True)), _LIVE)
_QUICK = quick(
    f"SELECT {', '.join(one.name for one in _COLUMNS)} FROM merge"  # noqa: S608  only names of columns
    " WHERE gone = ANY(:records) AND undone_at IS NULL",
    records="text[]",
)


def add(tx: Tx, new: Merge) -> None:
    """Puts a merge on record; a record that is gone goes nowhere else."""
    tx.conn.execute(merge.insert().values({name: getattr(new, name) for name in Merge.__slots__}))


def live(tx: Tx, records: Sequence[str]) -> list[Merge]:
    """The merges that hold by which these records went."""
    if tx.lite:
        return [Merge(*row) for row in tx.conn.execute(_OF, {"records": list(records)})]
    return [Merge(*row) for row in run(tx.conn, _QUICK, {"records": array(records)})]


def get(tx: Tx, id_: str, *, lock: bool = False) -> Merge | None:
    """One merge, also one that was taken back."""
    wanted = select(*_COLUMNS).where(merge.c.id == id_)
    row = tx.conn.execute(wanted.with_for_update() if lock else wanted).first()
    return Merge(*row) if row else None


def into(tx: Tx, record: str) -> list[Merge]:
    """The merges that hold by which others went into this record, oldest first."""
    found = select(*_COLUMNS).where(merge.c.stays == record, _LIVE).order_by(merge.c.at, merge.c.id)
    return [Merge(*row) for row in tx.conn.execute(found)]


def of_batch(tx: Tx, batch: str) -> list[Merge]:
    """The merges of a batch, newest first: the order in which they are taken back."""
    found = select(*_COLUMNS).where(merge.c.batch == batch).order_by(merge.c.at.desc(), merge.c.id.desc())
    return [Merge(*row) for row in tx.conn.execute(found)]


def end(tx: Tx, id_: str, by: str) -> None:
    """It was taken back."""
    tx.conn.execute(update(merge).where(merge.c.id == id_).values(undone_at=tx.now, undone_by=by))


def save_done(tx: Tx, id_: str, done: Mapping[str, Any]) -> None:
    """Writes what its undo needs, of a record that is locked."""
    tx.conn.execute(update(merge).where(merge.c.id == id_).values(done=done))


def page(tx: Tx, after: tuple[datetime, str] | None, most: int) -> list[Merge]:
    """Merges that hold, newest first, behind a place in that order."""
    wanted: Select[Any] = select(*_COLUMNS).where(_LIVE).order_by(merge.c.at.desc(), merge.c.id.desc()).limit(most)
    if after is not None:
        wanted = wanted.where(tuple_(merge.c.at, merge.c.id) < tuple_(literal(after[0], merge.c.at.type), after[1]))
    return [Merge(*row) for row in tx.conn.execute(wanted)]


def pointing(tx: Tx, noun: str, ids: Iterable[str], nouns: Iterable[str], most: int) -> list[tuple[str, str, str]]:
    """(noun, id, whom it names) of records that name one of these in their field ``noun``, at most ``most`` of each."""
    found: list[tuple[str, str, str]] = []
    for other in nouns:
        table = RECORDS[other]
        named = table.c.fields[noun].as_string()
        rows = tx.conn.execute(select(table.c.id, named).where(named.in_(list(ids))).order_by(table.c.id).limit(most))
        found += [(other, id_, of) for id_, of in rows]
    return found
