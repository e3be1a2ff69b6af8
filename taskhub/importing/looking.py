"""What a piece would do, without doing it: rows as they would become, what is known or refused, likely doubles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events.times import in_one_form
from taskhub.importing import queries, rights
from taskhub.importing.bringing import Piece, sorted_out
from taskhub.importing.house import House, aliases
from taskhub.importing.model import Judged, NewRecord, NewWork, counted
from taskhub.importing.rights import Sees
from taskhub.importing.telling import told
from taskhub.rules.plan import plan
from taskhub.sales import service as sales
from taskhub.sales.duplicates import service as duplicates
from taskhub.sales.duplicates.merges import ref_of
from taskhub.sales.duplicates.prints import FAMILIES

FIRST = 10
LOOKED_FOR = 50
"""So many of the first new rows are looked for among the records there are: a hint, not a count."""


def house_of(tx: Tx, now: Any, gives: Sequence[str] | None) -> House:
    """What names in a file mean at this moment."""
    rows = queries.people(tx)
    people = aliases((one.key, one.aliases) for one in rows)
    active = frozenset(one.key for one in rows if one.active)
    names = tuple(sorted({name for one in rows if one.active for name in (one.key, one.name)}))
    return House(tx.policies, people, active, now, names, None if gives is None else frozenset(gives))


def looked(tx: Tx, judged: Sequence[Judged], sees: Sees = None) -> tuple[Piece, list[Judged], int]:
    """What would come of these rows, the rows with those the house refuses, and how many tasks rules would make."""
    records, tasks, done = sorted_out(tx, judged, sees)
    done.new += len(records) + len(tasks)
    origins = {origin for one in records for origin in _tasks_of(tx, one)}
    refused = {one.line: one for one in done.refused}
    return done, [refused.get(one.line, one) for one in judged], len(origins)


def _tasks_of(tx: Tx, new: NewRecord) -> list[str]:
    says = told(new, "preview", {})
    known = sales.linked(tx, new.ref, {new.ref.noun: {**says.state.fields, "id": new.ref.id}})
    return [
        str(draft.origin)
        for event, changes in says.events
        for draft in plan(event, changes, known, tx.policies.rules, tx.policies.kinds).drafts
    ]


def shown(judged: Sequence[Judged], room: int) -> list[dict[str, Any]]:
    """The first rows as they would become; refused ones say why."""
    return [_shown(one) for one in judged[: max(room, 0)]]


def _shown(one: Judged) -> dict[str, Any]:
    if isinstance(one, NewRecord):
        way = {
            name: getattr(one.way, name) for name in ("status", "created_at", "stage_at", "closed_at", "lost_reason")
        }
        parties = {party.noun: {**party.fields, **({"id": party.id} if party.id else {})} for party in one.parties}
        said = {**one.fields, **way, **parties}
        return {"line": one.line, "id": one.ref.id, **{name: _plain(v) for name, v in said.items() if v is not None}}
    if isinstance(one, NewWork):
        names = ("kind", "title", "due_at", "lead", "deal", "file", "note")
        said = {name: getattr(one.new, name) for name in names} | {"created_at": one.new.since}
        said |= {
            "owner": one.agent,
            "waiting_reason": one.waits_for,
            "waiting_until": one.until or one.new.blocked_until,
        }
        said |= {"done": sorted(one.new.ticked)} if one.new.ticked else {}
        return {"line": one.line, "id": one.id, **{name: _plain(v) for name, v in said.items() if v is not None}}
    return {"line": one.line, "refused": one.reason, "message": one.message}


def _plain(value: Any) -> Any:
    return in_one_form(value.isoformat()) if hasattr(value, "isoformat") else value


def doubles(tx: Tx, judged: Sequence[Judged], room: int, sees: Sees = None) -> list[dict[str, Any]]:
    """Which of the first rows look like records that are there already."""
    rows = [one for one in judged if isinstance(one, NewRecord) and one.ref.noun in FAMILIES][: max(room, 0)]
    found = []
    for one in rows:
        like = [double for double in duplicates.like(tx, one.ref.noun, one.fields) if double.record != str(one.ref)]
        hidden = rights.hidden(tx, sees, {ref_of(double.record) for double in like})
        like = [double for double in like if ref_of(double.record) not in hidden]
        if like:
            found.append({"line": one.line, "record": like[0].record, "score": like[0].verdict.score})
    return found


def added(counts: Mapping[str, Any], piece: Piece, tasks: int = 0) -> dict[str, Any]:
    """The counts of a run with those of a piece."""
    parties = {f"{noun}s": sum(one.noun == noun for one in piece.made) for noun in ("account", "contact")}
    return counted(counts, piece.refused, new=piece.new, known=piece.known, tasks=tasks, **parties)
