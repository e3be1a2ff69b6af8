"""Prints and their keys, and the looks that go by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, func, select

from taskhub.db import rows
from taskhub.db.tables_duplicates import duplicate_key, duplicate_print
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tx import Tx
from taskhub.sales.duplicates.blocking import TOO_COMMON
from taskhub.sales.duplicates.prints import Print, packed, unpacked

_COLUMNS = [duplicate_print.c[name] for name in ("record", "name", "company", "mail", "phone")]
_PRINTS = select(*_COLUMNS).where(duplicate_print.c.record.in_(bindparam("records", expanding=True)))
_GONE = delete(duplicate_key).where(
    duplicate_key.c.key == bindparam("_key"), duplicate_key.c.record == bindparam("_of")
)
_EMPTY = delete(duplicate_print).where(duplicate_print.c.record.in_(bindparam("records", expanding=True)))


class Change(NamedTuple):
    """A record's new print (None: it tells nothing any more), and its keys that went and came."""

    record: str
    print: Print | None
    gone: Sequence[int]
    new: Sequence[int]


def prints(tx: Tx, records: Sequence[str]) -> dict[str, Print]:
    """The stored prints of these records."""
    if not records:
        return {}
    found = tx.conn.execute(_PRINTS, {"records": list(records)})
    return {record: unpacked(*columns) for record, *columns in found}


def write(tx: Tx, changes: Sequence[Change]) -> None:
    """Writes the prints of records that are locked, and moves their keys."""
    gone = [{"_key": key, "_of": one.record} for one in changes for key in one.gone]
    new = [{"key": key, "record": one.record} for one in changes for key in one.new]
    kept = [{"record": one.record, **packed(one.print)} for one in changes if one.print is not None]
    empty = [one.record for one in changes if one.print is None]
    if gone:
        tx.conn.execute(_GONE, gone)
    if empty:
        tx.conn.execute(_EMPTY, {"records": empty})
    rows.put(tx.conn, duplicate_print, kept)
    if new:
        rows.keep(tx.conn, duplicate_key, new)


_OTHER = duplicate_key.alias("other")
_BEYOND = select(_OTHER.c.record).where(_OTHER.c.key == duplicate_key.c.key).order_by(_OTHER.c.record)
# Keys that no more than TOO_COMMON records have: the one behind that many does not exist.
_RARE = ~exists(_BEYOND.offset(TOO_COMMON).limit(1).correlate(duplicate_key))
_ALIKE = select(duplicate_key.c.record).where(duplicate_key.c.key.in_(bindparam("keys", expanding=True)), _RARE)


def alike(tx: Tx, keys: Sequence[int]) -> dict[str, Print]:
    """Records with one of these keys, and their prints; keys that say little are passed over.

    Two statements, each by its own index, whatever the database believes about the size of young tables.
    """
    found = tx.conn.execute(_ALIKE, {"keys": list(keys)}).scalars() if keys else ()
    return prints(tx, sorted(set(found)))


def keyed(tx: Tx, after: int, most: int) -> list[tuple[int, str]]:
    """Keys in their order behind ``after``, each with a record that has it."""
    wanted = select(duplicate_key.c.key, duplicate_key.c.record).where(duplicate_key.c.key > after)
    found = tx.conn.execute(wanted.order_by(duplicate_key.c.key, duplicate_key.c.record).limit(most))
    return [(key, record) for key, record in found]


def records(tx: Tx, noun: str, after: str, most: int, *, lock: bool) -> list[tuple[str, Mapping[str, Any]]]:
    """(id, fields) of the records of a noun behind the id ``after``, in their order."""
    table = RECORDS[noun]
    wanted = select(table.c.id, table.c.fields).where(table.c.id > after).order_by(table.c.id).limit(most)
    return [tuple(row) for row in tx.conn.execute(wanted.with_for_update() if lock else wanted)]


def contacts(tx: Tx, records: Iterable[str]) -> dict[str, str]:
    """Of the leads among these records: the contact each became or belongs to, both as noun:id."""
    ids = [record.removeprefix("lead:") for record in records if record.startswith("lead:")]
    if not ids:
        return {}
    table = RECORDS["lead"]
    contact = table.c.fields["contact"].as_string()
    found = tx.conn.execute(select(table.c.id, contact).where(table.c.id.in_(ids), contact.is_not(None)))
    return {f"lead:{id_}": f"contact:{of}" for id_, of in found}


def count(tx: Tx, nouns: Iterable[str]) -> int:
    """How many records there are of these nouns."""
    counted = (select(func.count()).select_from(RECORDS[noun]) for noun in nouns)
    return sum(int(tx.conn.execute(one).scalar_one()) for one in counted)


def fields(tx: Tx, noun: str, id_: str) -> Mapping[str, Any] | None:
    """What is known of a record."""
    table = RECORDS[noun]
    found: Mapping[str, Any] | None = tx.conn.execute(select(table.c.fields).where(table.c.id == id_)).scalar()
    return found
