"""What one event says by itself: fields of records, and which of them it says have moved. Pure.

Nothing here looks at what is already known, so the answer is the same whenever the event arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from taskhub.events.canonical import canonical
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import NOUNS, Event, RecordRef
from taskhub.events.native import CREATED, DECISIVE
from taskhub.ids import digest
from taskhub.sales.model import CONVERTED, LOST, OPEN, WON, Change, Changes

STATUSES = (OPEN, WON, LOST, CONVERTED)
_WITH_STATUS = ("lead", "deal")


def statements(event: Event) -> dict[RecordRef, dict[str, Any]]:
    """The fields each record in the event is said to have; its own record always has an entry.

    ``status`` is one of STATUSES and follows the type; a sender's own word for it is kept as ``status_label``.
    """
    said = {}
    for noun in NOUNS:
        fields = _readable(noun, event.data.get(noun))
        if fields is not None and isinstance(fields.get("id"), str):
            ref = RecordRef(noun, fields.pop("id"))
            said[ref] = _with_status(_told(event, noun, fields))
    if event.record is not None:
        own = said.setdefault(event.record, {})
        own.update(_by_type(event.record.noun, event.types, own))
    return said


def stated_changes(event: Event) -> Changes:
    """The moves an event states: every field of a created record, else what ``previous`` and the type say."""
    if event.record is None:
        return Changes(None, event.types, event.version)
    said = statements(event)[event.record]
    if f"{event.record.noun}.{CREATED}" in event.types:
        moves = {name: Change(None, value) for name, value in said.items() if value is not None}
    else:
        moves = _moves(event, said)
    return Changes(event.record, event.types, event.version, moves)


def change_key(event: Event, changes: Changes) -> str:
    """The name of a change, the same for every message that reports it: the poll's, the webhook's, a repetition's.

    Where the type says which field decides, only that one counts: beside it, a state shows more than a message tells.
    A change that moves no field has nothing to be recognised by but the event itself.
    """
    sender = event.connection or "native"
    if changes.ref is not None and event.change:
        return digest("named change", sender, *changes.ref, event.change)
    if changes.ref is None or not changes.fields:
        return digest("event", event.source, event.external_id, changes.types[0])
    decisive = {DECISIVE.get(type_.partition(".")[2]) for type_ in changes.types}
    moved = {name: change.new for name, change in changes.fields.items()}
    counts = {name: value for name, value in moved.items() if name in decisive} or moved
    return digest("change", sender, *changes.ref, canonical(counts), changes.version.at.isoformat())


def _told(event: Event, noun: str, fields: dict[str, Any]) -> dict[str, Any]:
    names = event.told.get(noun)
    return fields if names is None else {name: value for name, value in fields.items() if name in names}


def _readable(noun: str, value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return read_fields(noun, value)
    except BadField:
        return None


def _with_status(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("status") not in (None, *STATUSES):
        fields["status_label"] = fields.pop("status")
    elif fields.get("status", OPEN) is None:
        del fields["status"]
    return fields


def _by_type(noun: str, types: Iterable[str], said: Mapping[str, Any]) -> dict[str, Any]:
    """What the most decisive type with a meaning says about the record, whatever its data say."""
    for name in types:
        about, _, move = name.partition(".")
        if about != noun:
            continue
        if move == "completed":
            return {"done": True}
        if noun not in _WITH_STATUS:
            continue
        if move in (WON, LOST, CONVERTED):
            return {"status": move}
        if move == "reopened":
            return {"status": OPEN, "lost_reason": None}
        if move == CREATED:
            return {"status": said.get("status", OPEN)}
    return {}


def _moves(event: Event, said: Mapping[str, Any]) -> dict[str, Change]:
    noun = "" if event.record is None else event.record.noun
    old = event.previous.get(noun, {})
    moves = {name: Change(old[name], said[name]) for name in old if name in said and old[name] != said[name]}
    for type_ in event.types:
        about, _, move = type_.partition(".")
        name = DECISIVE.get(move, "")
        if about == noun and name in said and old.get(name) != said[name]:
            moves[name] = Change(old.get(name), said[name])
    return moves
