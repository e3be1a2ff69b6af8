"""Reads everything page by page, each page behind the last key of the one before. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table, func, or_, select

from taskhub.db.tables import agent, decision, event, history, task, team
from taskhub.db.tables_merges import merge
from taskhub.db.tables_notes import note, note_on, question
from taskhub.db.tables_sales import RECORDS, stage_change
from taskhub.db.tx import Tx

AT_ONCE = 500
ENDED = ("won", "lost", "converted")
PARTY = ("name", "email", "phone")


def pages(
    tx: Tx, table: Table, key: str, columns: Sequence[str], *which: Any, at_once: int = AT_ONCE
) -> Iterator[list[Mapping[str, Any]]]:  # fmt: skip
    """Rows by ``key``, some at a time."""
    place: Column[Any] = table.c[key]
    wanted = select(*[table.c[name] for name in columns]).where(*which).order_by(place).limit(at_once)
    after: Any = None
    while True:
        page = list(tx.conn.execute(wanted if after is None else wanted.where(place > after)).mappings())
        if page:
            yield [dict(row) for row in page]
        if len(page) < at_once:
            return
        after = page[-1][key]


def records(tx: Tx, noun: str) -> Iterator[list[Mapping[str, Any]]]:
    """Records of a noun that are still there, and those that were merged into one that is."""
    table = RECORDS[noun]
    columns = ("id", "connection", "fields", "first_seen_at", "last_changed_at", "version")
    merged = table.c.fields["merged_into"].as_string().is_not(None)
    return pages(tx, table, "id", columns, or_(table.c.deleted.is_(False), merged))


def since(tx: Tx, noun: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """When each lead or deal was made, came to its stage and ended, as far as events have said."""
    c = stage_change.c
    mine = c.noun == noun, c.record.in_(ids)
    found: dict[str, dict[str, Any]] = {id_: {} for id_ in ids}
    for name, which in (
        ("created_at", c.type == f"{noun}.created"), ("stage_at", c.stage.is_not(None)),
        ("closed_at", c.status.in_(ENDED)),
    ):  # fmt: skip
        newest = func.min(c.at) if name == "created_at" else func.max(c.at)
        for row in tx.conn.execute(select(c.record, newest).where(*mine, which).group_by(c.record)):
            found[row[0]][name] = row[1]
    return found


def parties(tx: Tx, noun: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Name, e-mail and telephone of these accounts or contacts."""
    c = RECORDS[noun].c
    rows = tx.conn.execute(select(c.id, c.fields).where(c.id.in_(ids))) if ids else ()
    return {row.id: {f"{noun}.{name}": row.fields.get(name) for name in PARTY} for row in rows}


def moves(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """How leads and deals went along their path."""
    return pages(tx, stage_change, "event", stage_change.c.keys())


def tasks(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Every task."""
    return pages(tx, task, "id", task.c.keys())


def task_history(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Every transition of every task."""
    return pages(tx, history, "row", history.c.keys(), history.c.noun == "task", at_once=2 * AT_ONCE)


def decisions(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Every decision, without what it saw: ask ``why`` for that."""
    return pages(tx, decision, "id", [name for name in decision.c.keys() if name != "facts"])  # noqa: SIM118


def people(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Everybody."""
    return pages(tx, agent, "key", agent.c.keys())


def teams(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Every team."""
    return pages(tx, team, "key", team.c.keys())


def notes(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Notes that are there, ``on``: the records and tasks they hang on."""
    for page in pages(tx, note, "id", note.c.keys(), note.c.removed_at.is_(None)):
        hung: dict[str, list[str]] = {}
        wanted = select(note_on.c.note, note_on.c.record).where(note_on.c.note.in_([row["id"] for row in page]))
        for row in tx.conn.execute(wanted.order_by(note_on.c.record)):
            hung.setdefault(row.note, []).append(row.record)
        yield [{**row, "on": ", ".join(hung.get(row["id"], ()))} for row in page]


def questions(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Every question to a rep, with its answer."""
    return pages(tx, question, "id", question.c.keys())


def merges(tx: Tx) -> Iterator[list[Mapping[str, Any]]]:
    """Which record went into which; those taken back say so."""
    return pages(tx, merge, "id", [name for name in merge.c.keys() if name != "done"])  # noqa: SIM118


def events(tx: Tx, columns: Sequence[str]) -> Iterator[list[Mapping[str, Any]]]:
    """Envelopes of events; what they held, and the headers they came with, stay here."""
    return pages(tx, event, "id", columns)
