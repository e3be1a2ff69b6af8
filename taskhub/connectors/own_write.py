"""The loop guard: what we wrote to a CRM comes back as an event, and must not make new work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from taskhub.connectors.salesforce.identity import OURSELVES, same_id
from taskhub.events.model import QUIET, Event
from taskhub.policy.policies import Connection
from taskhub.sales.model import Changes

OWN_WRITE = "own_write"


def is_own_write(event: Event, connection: Connection) -> bool:
    """Whether the event was caused by the user taskhub writes as (setting ``own_user``: their id of that user)."""
    if event.by is None or not event.by.startswith(f"{connection.key}:"):
        return False
    user = event.by.removeprefix(f"{connection.key}:")
    if connection.system == "salesforce" and user == OURSELVES:
        return True
    own = connection.settings.get("own_user")
    if own is None:
        return False
    # People write the ids of Dynamics in capitals and in braces too, those of Salesforce with 15 characters.
    spelled = str(own).strip().strip("{}")
    return user.lower() == spelled.lower() if connection.system != "salesforce" else same_id(user, spelled)


def guarded(event: Event, changes: Changes, connections: Mapping[str, Connection]) -> Changes:
    """``changes``, for no rule to fire on (``own_write``) when they are our own coming back."""
    if event.look == QUIET and changes.reason is None:
        return replace(changes, reason="first_sync")
    connection = connections.get(event.connection or "")
    own = connection is not None and changes.reason is None and is_own_write(event, connection)
    return replace(changes, reason=OWN_WRITE) if own and _all_ours(event, changes) else changes


def _all_ours(event: Event, changes: Changes) -> bool:
    """Of a whole state only the last writer is told. What we wrote to a known record was known here before we wrote.

    So what it shows is somebody else's, unless the record itself is what we made, or one of our own activities.
    """
    if event.states_change or (event.partial and not event.look) or changes.ref is None:
        return True
    noun = changes.ref.noun
    return noun == "activity" or f"{noun}.created" in changes.types
