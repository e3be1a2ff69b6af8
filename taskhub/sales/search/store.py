"""The only SQL that writes what records and tasks are found by; and the looks that go by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select

from taskhub.db import rows
from taskhub.db.quick import array, quick, run
from taskhub.db.tables import task
from taskhub.db.tables_sales import RECORDS
from taskhub.db.tables_search import search_entry, search_fill, search_part, search_word
from taskhub.db.tx import Tx
from taskhub.sales.search.tokens import TASK, Entry, parts, with_parts

_ENTRIES = select(search_entry.c.record, search_entry.c.owner, search_entry.c.text, search_entry.c.at).where(
    search_entry.c.record.in_(bindparam("records", expanding=True))
)
_KNOWN = select(search_part.c.word).where(
    search_part.c.part.in_(bindparam("words", expanding=True)), search_part.c.word == search_part.c.part
)
_QUICK_ENTRIES = quick(
    "SELECT record, owner, text, at FROM search_entry WHERE record = ANY(:records)", records="text[]"
)
_QUICK_KNOWN = quick("SELECT word FROM search_part WHERE part = ANY(:words) AND word = part", words="text[]")
_GONE = delete(search_word).where(search_word.c.word == bindparam("_word"), search_word.c.record == bindparam("_of"))
_DROP = delete(search_entry).where(search_entry.c.record.in_(bindparam("records", expanding=True)))
AT_ONCE = 5_000


class Kept(NamedTuple):
    """An entry as it is stored."""

    entry: Entry
    at: datetime


class Change(NamedTuple):
    """A record's new entry (None: it is not found any more), since when it is known, words that went and came."""

    record: str
    noun: str
    entry: Entry | None
    at: datetime
    gone: Collection[str]
    new: Collection[str]


def entries(tx: Tx, records: Sequence[str]) -> dict[str, Kept]:
    """What is stored of these records."""
    found: dict[str, Kept] = {}
    for first in range(0, len(records), AT_ONCE):
        some = records[first : first + AT_ONCE]
        if tx.lite:
            read: Iterable[Any] = tx.conn.execute(_ENTRIES, {"records": list(some)})
        else:
            read = run(tx.conn, _QUICK_ENTRIES, {"records": array(some)})
        found |= {record: Kept(Entry(owner, text), at) for record, owner, text, at in read}
    return found


def write(tx: Tx, changes: Sequence[Change]) -> None:
    """Writes entries of records that are locked, or new, and moves their words."""
    gone = [{"_word": word, "_of": one.record} for one in changes for word in one.gone]
    empty = [one.record for one in changes if one.entry is None]
    if gone:
        tx.conn.execute(_GONE, gone)
    if empty:
        tx.conn.execute(_DROP, {"records": empty})
    kept = [
        {"record": one.record, "noun": one.noun, "owner": one.entry.owner, "text": one.entry.text, "at": one.at}
        for one in changes
        if one.entry is not None
    ]
    rows.put(tx.conn, search_entry, kept)
    new = [{"word": word, "record": one.record} for one in changes for word in sorted(one.new)]
    for at in range(0, len(new), AT_ONCE):
        rows.keep(tx.conn, search_word, new[at : at + AT_ONCE])
    _learn(tx, sorted({row["word"] for row in new}), {word for one in changes for word in with_parts(one.new)})


def _learn(tx: Tx, words: Sequence[str], in_parts: Collection[str]) -> None:
    """Words nobody has used before get their parts, if ``in_parts``. Two who meet one at once both write it."""
    for at in range(0, len(words), AT_ONCE):
        some = words[at : at + AT_ONCE]
        known = _known(tx, some)
        unknown = [word for word in some if word not in known]
        fresh = [
            {"part": part, "word": word} for word in unknown for part in (parts(word) if word in in_parts else (word,))
        ]
        for first in range(0, len(fresh), AT_ONCE):
            rows.insert(tx.conn, search_part, fresh[first : first + AT_ONCE])


def _known(tx: Tx, words: Sequence[str]) -> set[str]:
    if tx.lite:
        return set(tx.conn.execute(_KNOWN, {"words": list(words)}).scalars())
    return {row[0] for row in run(tx.conn, _QUICK_KNOWN, {"words": array(words)})}


def originals(tx: Tx, records: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What these records say now, by noun:id; of a task title, data, state, queue and agent."""
    by_noun: dict[str, list[str]] = {}
    for record in records:
        noun, _, id_ = record.partition(":")
        by_noun.setdefault(noun, []).append(id_)
    found: dict[str, Mapping[str, Any]] = {}
    for noun, ids in by_noun.items():
        if noun == TASK:
            names = ("id", "title", "data", "state", "queue", "agent", "kind", "deal", "lead")
            read = tx.conn.execute(select(*[task.c[name] for name in names]).where(task.c.id.in_(ids))).mappings()
            found |= {f"{TASK}:{row['id']}": dict(row) for row in read}
        elif noun in RECORDS:
            table = RECORDS[noun]
            found |= {
                f"{noun}:{row.id}": row.fields
                for row in tx.conn.execute(select(table.c.id, table.c.fields).where(table.c.id.in_(ids)))
            }
    return found


def next_records(tx: Tx, noun: str, after: str, most: int) -> list[tuple[str, Mapping[str, Any], datetime]]:
    """(id, fields, since when) behind the id ``after``, in order. Records are locked; of tasks words hardly change."""
    if noun == TASK:
        c = task.c
        wanted = select(c.id, c.title, c.data, c.created_at).where(c.id > after).order_by(c.id).limit(most)
        return [(row.id, {"title": row.title, "data": row.data}, row.created_at) for row in tx.conn.execute(wanted)]
    table = RECORDS[noun]
    some = select(table.c.id, table.c.fields, table.c.first_seen_at).where(table.c.id > after)
    return [tuple(row) for row in tx.conn.execute(some.order_by(table.c.id).limit(most).with_for_update())]


def next_entries(tx: Tx, after: str, most: int) -> list[str]:
    """The records of the entries behind ``after``, in order, locked: what is made again meanwhile waits."""
    c = search_entry.c
    some = select(c.record).where(c.record > after).order_by(c.record).limit(most)
    return list(tx.conn.execute(some.with_for_update()).scalars())


def progress(tx: Tx, noun: str, start: datetime) -> tuple[str, int, datetime]:
    """(after, passes, since) of looking through the records of a noun, locked; begun where nobody has."""
    begun = {"noun": noun, "after": "", "passes": 0, "at": start}
    rows.add(tx.conn, search_fill, [begun], unique="noun", back="noun")
    row = tx.conn.execute(select(search_fill).where(search_fill.c.noun == noun).with_for_update()).one()
    return row.after, row.passes, row.at


def ended(tx: Tx) -> dict[str, tuple[int, datetime]]:
    """Noun -> how often all its records have been looked through, and when last."""
    return {row.noun: (row.passes, row.at) for row in tx.conn.execute(select(search_fill))}


def save_progress(tx: Tx, noun: str, after: str, passes: int, at: datetime) -> None:
    """How far it is."""
    rows.put(tx.conn, search_fill, [{"noun": noun, "after": after, "passes": passes, "at": at}])


def count(tx: Tx) -> int:
    """How many records and tasks there are."""
    tables = [*(RECORDS[noun] for noun in ("lead", "deal", "account", "contact")), task]
    return sum(int(tx.conn.execute(select(func.count()).select_from(table)).scalar_one()) for table in tables)
