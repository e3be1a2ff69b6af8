"""What is known of a record after one more event, in whatever order events arrive. Pure.

Each field keeps the version that last set it, so an older event still fills what no newer one spoke of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.events.model import Event, RecordRef, Version
from taskhub.events.native import CREATED, types_of
from taskhub.sales.model import OPEN, Change, Changes, RecordState
from taskhub.sales.stated import stated_changes, statements


def project(state: RecordState | None, event: Event) -> tuple[RecordState, Changes]:
    """The event's own record after the event, and the changes rules react to; the event must have a record."""
    if event.record is None:
        raise ValueError("the event is about no record")
    said = statements(event)[event.record]
    after = apply_fields(state, event.record, said, event.version)
    changes = stated_changes(event) if event.states_change else _difference(state, after, said, event)
    return after, changes


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
    if state is None or not state.versions:
        types = types_of(ref.noun, moves) if event.partial else _first_types(ref.noun, moves)
        return Changes(ref, types, version, moves)
    if not moves:
        return Changes(ref, event.types, version, reason="no_change")
    return Changes(ref, types_of(ref.noun, moves), version, moves)


def _first_types(noun: str, moves: Mapping[str, Change]) -> tuple[str, ...]:
    """A record seen for the first time was created, and may be won or lost already."""
    status = moves.get("status")
    ended = types_of(noun, {"status": status}) if status and status.new != OPEN else ()
    return (*ended, f"{noun}.{CREATED}")
