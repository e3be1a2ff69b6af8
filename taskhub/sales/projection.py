"""What is known of a record after one more event, in whatever order events arrive. Pure.

Each field keeps the version that last set it, so an older event still fills what no newer one spoke of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.events.model import Event, RecordRef, Version
from taskhub.events.native import CREATED, DELETED, MERGED, types_of
from taskhub.sales.model import OPEN, Change, Changes, RecordState
from taskhub.sales.stated import stated_changes, statements

BIRTH = f".{CREATED}"
"""Beside the versions of fields, that of the event by which the record's creation was told; no field is called so."""


def project(state: RecordState | None, event: Event) -> tuple[RecordState, Changes]:
    """The event's own record after the event, and the changes rules react to; the event must have a record."""
    if event.record is None:
        raise ValueError("the event is about no record")
    said = statements(event)[event.record]
    after = apply_fields(state, event.record, said, event.version)
    changes = stated_changes(event) if event.states_change else _difference(state, after, said, event)
    return _born(after, changes), changes


def _born(after: RecordState, changes: Changes) -> RecordState:
    """A record whose creation was told, by whatever event, is not created again by a state."""
    if changes.reason is not None or f"{after.ref.noun}.{CREATED}" not in changes.types:
        return after
    birth = max(changes.version, after.versions.get(BIRTH, changes.version))
    return replace(after, versions={**after.versions, BIRTH: birth})


def side_statements(event: Event) -> dict[RecordRef, dict[str, Any]]:
    """The other records the event tells something about: for ``apply_fields``; they fire no rules."""
    return {ref: fields for ref, fields in statements(event).items() if ref != event.record}


def apply_fields(state: RecordState | None, ref: RecordRef, fields: Mapping[str, Any], version: Version) -> RecordState:
    """``state`` with each of ``fields`` that no newer version has set."""
    at = version.at
    if state is None:
        return RecordState(ref, dict(fields), dict.fromkeys(fields, version), at, at)
    newer = {
        name: value for name, value in fields.items() if name not in state.versions or version > state.versions[name]
    }
    return RecordState(
        ref=ref,
        fields={**state.fields, **newer},
        versions={**state.versions, **dict.fromkeys(newer, version)},
        first_seen=min(state.first_seen, at),
        last_changed=max(state.last_changed, at),
        connection=state.connection,
        version=state.version,
    )


def _difference(state: RecordState | None, after: RecordState, said: Mapping[str, Any], event: Event) -> Changes:
    """What a state-only event shows that was not known; nothing when newer things are known of what it speaks about."""
    ref, version = after.ref, event.version
    if event.partial and state is not None:
        # It tells single fields: those that no newer version set are news, whatever is known of the others.
        said = {n: v for n, v in said.items() if n not in state.versions or version >= state.versions[n]}
        if not said:
            return Changes(ref, event.types, version, reason="stale")
    if state is not None and any(version < state.versions[name] for name in said if name in state.versions):
        return Changes(ref, event.types, version, reason="stale")
    before = state.fields if state else {}
    moves = {
        name: Change(before.get(name), after.fields[name]) for name in said if before.get(name) != after.fields[name]
    }
    if event.look and state is not None and not _is_news(state, event):
        # What is seen for the first time of a record made before has not moved.
        moves = {name: change for name, change in moves.items() if name in state.versions or name == DELETED}
    unknown, gone = state is None or not state.versions, DELETED in moves and moves[DELETED].new is True
    if _is_news(state, event) and not gone:
        return Changes(ref, _first_types(ref.noun, moves), version, moves)
    if not moves or (unknown and (gone or event.look)):
        return Changes(ref, event.types, version, reason="first_seen" if unknown and not gone else "no_change")
    if gone:
        end = MERGED if after.fields.get("merged_into") is not None else DELETED
        return Changes(ref, (f"{ref.noun}.{end}",), version, moves)
    return Changes(ref, types_of(ref.noun, moves), version, moves)


def _is_news(state: RecordState | None, event: Event) -> bool:
    """Whether the record itself is new: it says so and nobody has, or nothing was known and the state is whole."""
    if f"{event.record.noun}.{CREATED}" in event.types if event.record else False:
        return state is None or BIRTH not in state.versions
    return (state is None or not state.versions) and not event.partial


def _first_types(noun: str, moves: Mapping[str, Change]) -> tuple[str, ...]:
    """A record seen for the first time was created, and may be won, lost or done already."""
    ends = {
        name: moves[name] for name in ("status", "done") if name in moves and moves[name].new not in (OPEN, False, None)
    }
    return (*(types_of(noun, ends) if ends else ()), f"{noun}.{CREATED}")
