"""Whose a record is, and whose word about it counts: of what a CRM owns only the CRM's own. Pure.

Ids of a CRM begin with the key of its connection. Whoever names such a record before the CRM does, or brings it in from
a file, leaves it without an owner; the CRM's first word about it makes it the CRM's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.events import own
from taskhub.events.model import Event, RecordRef
from taskhub.policy.policies import Connection
from taskhub.sales.model import Changes, RecordState
from taskhub.sales.projection import apply_fields, project

OWNED = "owned_by_crm"
SIGNED = "standard_webhooks"
"""Such a connection tells of anybody's records: it owns none."""


def owner_of(id_: str, connections: Mapping[str, Connection]) -> str | None:
    """The connection whose record the id names."""
    key, apart, rest = id_.partition(":")
    found = connections.get(key) if apart and rest else None
    return None if found is None or found.system == SIGNED else key


def heard(before: RecordState | None, event: Event) -> tuple[RecordState, Changes]:
    """The event's own record after the event, and what rules hear of it."""
    if before is not None and event.record is not None and _foreign(before, event):
        return before, _unheard(event, event.record)
    after, changes = project(before, event)
    return _owned(after, event), changes


def heard_beside(before: RecordState | None, event: Event, ref: RecordRef, said: Mapping[str, Any]) -> RecordState:
    """Another record the event tells something about, after the event."""
    if before is not None and _foreign(before, event):
        return before
    return _owned(apply_fields(before, ref, said, event.version), event)


def _owned(state: RecordState, event: Event) -> RecordState:
    mine = event.connection is not None and state.ref.id.startswith(f"{event.connection}:")
    return replace(state, connection=event.connection) if mine else state


def first_owner(id_: str, event: Event, connections: Mapping[str, Connection]) -> str | None:
    """Whose a record is that ``event`` is the first to name: nobody's, where it says so of another's."""
    return event.connection if owner_of(id_, connections) in (None, event.connection) else None


def _foreign(before: RecordState, event: Event) -> bool:
    """Whether somebody speaks of a record of a CRM who is neither the CRM nor taskhub.

    What is known of it by this very event was taken when it was said, as of what a file has brought in.
    """
    if before.connection is None or event.connection == before.connection or event.source == own.SOURCE:
        return False
    if event.connection is not None and not before.ref.id.startswith(f"{before.connection}:"):
        return False  # a signed sender brought it: it owns none
    return event.version not in before.versions.values()


def _unheard(event: Event, ref: RecordRef) -> Changes:
    """No move of the record; nothing for rules either, where such a move is all the event is about."""
    about = any(type_.partition(".")[0] == ref.noun for type_ in event.types)
    return Changes(ref, event.types, event.version, reason=OWNED if about else None)
