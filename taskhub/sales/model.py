"""What is known of a sales record, and what one event says has changed in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.events.model import RecordRef, Version

OPEN, WON, LOST, CONVERTED = "open", "won", "lost", "converted"
ENDED = (WON, LOST, CONVERTED)
BROUGHT_IN = "import"
"""The source of what files say, of what has happened elsewhere before."""


class Change(NamedTuple):
    """One field's move; ``old`` is None when the event does not say."""

    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class RecordState:
    """The projection of one record: each field with the version that last set it.

    ``first_seen`` and ``last_changed`` are the earliest and latest instants at which events about it happened.
    ``connection`` is the CRM it belongs to, None for our own; ``version`` rises with acts of people only.
    """

    ref: RecordRef
    fields: Mapping[str, Any]
    versions: Mapping[str, Version]
    first_seen: datetime
    last_changed: datetime
    connection: str | None = None
    version: int = 1

    @property
    def newest(self) -> Version:
        """The version of the newest statement about this record."""
        return max(self.versions.values(), default=Version(self.last_changed, ""))


@dataclass(frozen=True, slots=True)
class Changes:
    """What rules react to: the event's types and its moves of its own record.

    ``reason`` is set when no rule may fire: "stale" (a state-only event older than what is known), "no_change" (it
    shows nothing new), "first_seen" (it was made before anybody looked), "first_sync" (nobody asked for rules),
    "absorbed" (already acted upon through a state-only event) or "owned_by_crm" (not the word of the CRM that owns it).
    """

    ref: RecordRef | None
    types: tuple[str, ...]
    version: Version
    fields: Mapping[str, Change] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """A lead that became a customer: ``made`` are the nouns it made, ``was`` what it wrote over, for its undo."""

    id: str
    lead: str
    by: str
    at: datetime
    account: str | None
    contact: str | None
    deal: str | None
    made: list[str]
    was: Mapping[str, Any]
    events: list[str]
    follow_up: str | None
    undone_by: str | None = None
    undone_at: datetime | None = None


class Firing(NamedTuple):
    """Rules have fired for ``field`` becoming ``value`` (its mark), which a state-only event of ``version`` showed.

    ``taken`` is the instant of the move it has been used up by.
    """

    ref: RecordRef
    field: str
    value: str
    version: Version
    taken: datetime | None = None
