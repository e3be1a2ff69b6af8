"""One change event and one of its record ids become a native event, or a reason why not. Pure.

A change event states its own transition: it says what has changed, though never from what. So rules fire for it once,
whenever it comes, and never look at what was known before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.connectors.salesforce.bitmaps import Moves, leaves, value_at
from taskhub.connectors.salesforce.identity import OURSELVES, is_wildcard, ours
from taskhub.connectors.salesforce.links import native_data
from taskhub.connectors.salesforce.merging import end_of
from taskhub.connectors.salesforce.records import instant, name_in_parts, native_fields, noun_of
from taskhub.connectors.salesforce.reread import NotFollowed, RereadNeeded
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import Event, RecordRef
from taskhub.events.native import CREATED, NoRecord, types_of
from taskhub.policy.policies import Connection

CREATE, UPDATE, DELETE, UNDELETE = "CREATE", "UPDATE", "DELETE", "UNDELETE"
_GAP = "GAP_"
_OURS = "client=taskhub"
_SOMEBODY = ""  # who owned it before the change: an owner, though we are not told which


@dataclass(frozen=True, slots=True)
class Change:
    """A change event with one record id. ``external_id`` is the name of the fact at its sender."""

    payload: Mapping[str, Any]
    header: Mapping[str, Any]
    record_id: Any
    external_id: str
    moves: Moves

    @property
    def entity(self) -> str:
        """The object, as far as it is told."""
        value = self.header.get("entityName")
        return value if isinstance(value, str) else ""

    @property
    def kind(self) -> str:
        """CREATE, UPDATE …, as far as it is told."""
        value = self.header.get("changeType")
        return value if isinstance(value, str) else ""


def event_of(change: Change, connection: Connection, received_at: datetime) -> tuple[Event, tuple[str, ...]]:
    """The event, and what is in doubt beside it.

    Raises ``NotFollowed`` (ignore), ``RereadNeeded`` (ignore, and look) or ``BadField`` (quarantine).
    """
    noun = _noun(change, connection)
    record = _record(noun, change, connection)
    what = change.kind.removeprefix(_GAP)
    if what not in (change.kind, DELETE):
        raise RereadNeeded(change.kind.lower(), born=what == CREATE)
    told, moved, doubts = _told(noun, change)
    fields = read_fields(noun, native_fields(noun, told, connection))
    names = _moved(noun, told, moved, connection) & fields.keys()
    fields, previous, types = _stated(noun, what, fields, names)
    if what == DELETE:
        end, fields = end_of(noun, change.payload, connection)
        types = (end,)
    at = instant("LastModifiedDate", told.get("LastModifiedDate"))
    committed = instant("commitTimestamp", change.header.get("commitTimestamp"))
    occurred_at = at or committed or received_at
    event = Event(
        source=f"salesforce:{connection.key}",
        external_id=change.external_id,
        types=types,
        occurred_at=occurred_at,
        record=record,
        data=native_data(noun, record, fields),
        previous={noun: previous} if previous else {},
        connection=connection.key,
        by=_by(change, connection),
        order=_order(change, committed or at),
    )
    return event, (*doubts, *(() if at or committed else ("no_time",)))


def _noun(change: Change, connection: Connection) -> str:
    noun = noun_of(change.entity, connection)
    if noun is None:
        raise NotFollowed(f"entity_not_followed: {change.entity[:60]}")
    if change.kind == "GAP_OVERFLOW":
        raise RereadNeeded(f"{change.entity[:60]}: more changes than events", of=noun)
    if change.kind.removeprefix(_GAP) not in (CREATE, UPDATE, DELETE, UNDELETE):
        raise NotFollowed(f"change_not_followed: {change.kind[:60]}")
    if is_wildcard(change.record_id):
        raise RereadNeeded(f"{change.entity[:60]}: {change.record_id}", of=noun)
    return noun


def _record(noun: str, change: Change, connection: Connection) -> RecordRef:
    given = ours(connection, "recordIds", change.record_id)
    if given is None:
        raise NoRecord
    return RecordRef(noun, given)


def _told(noun: str, change: Change) -> tuple[dict[str, Any], frozenset[str], list[str]]:
    """What the event says of the record, which of it has changed, and what is left in doubt.

    Null means "not changed", unless the event says that the field has changed.
    """
    payload, moved = change.payload, change.moves.changed
    told = {name: value for name, value in leaves(payload) if value is not None}
    if change.kind.removeprefix(_GAP) == DELETE:
        return {name: told[name] for name in ("LastModifiedDate",) if name in told}, frozenset(), []
    if change.kind != UPDATE:
        return _whole(change.kind, payload, told), frozenset(told), []
    if moved is None:
        raise RereadNeeded("unknown_fields")
    told |= {name: value_at(payload, name) for name in moved if not isinstance(value_at(payload, name), Mapping)}
    # A long text comes as the difference to the one before, which we do not have.
    cut = change.moves.differences & told.keys()
    doubts = ["name_in_parts"] if name_in_parts(noun, told) else []
    doubts += [f"difference_only: {name[:60]}" for name in sorted(cut)]
    return {name: value for name, value in told.items() if name not in cut}, moved - cut, doubts


def _whole(kind: str, payload: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """A new record is told whole: null is empty, and a missing part of a name no doubt but a name without it."""
    empty = dict(leaves(payload)) if kind == CREATE else {}
    parts = {"Name.FirstName": None, "Name.LastName": None} if isinstance(payload.get("Name"), Mapping) else {}
    return {**empty, **parts, **told}


def _moved(noun: str, told: Mapping[str, Any], moved: frozenset[str], connection: Connection) -> set[str]:
    """Our names of what changed; a compound named as a whole stands for each of its parts."""
    parts = {name: value for name, value in told.items() if name in moved or name.partition(".")[0] in moved}
    found = set(native_fields(noun, parts, connection))
    if any(name.startswith("Name.") or name in ("FirstName", "LastName") for name in parts):
        found.add("name")
    # A flag tells an end or a new beginning; that a stage goes on says nothing of what was before.
    flags = {"IsClosed", "IsWon", "IsConverted"} & parts.keys()
    going_on = native_fields(noun, told, connection).get("status") == "open"
    return found - {"status"} if going_on and not flags else found | ({"status"} if flags else set())


def _stated(
    noun: str, what: str, fields: dict[str, Any], names: set[str]
) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Fields, old values of what moved (None: not told), and types."""
    if what == UNDELETE:
        return {**fields, "deleted": False}, {"deleted": True}, (f"{noun}.updated",)
    if what == CREATE:
        ended = {name: (None, fields[name]) for name in ("status", "done") if fields.get(name) not in (None, "open")}
        told = tuple(one for one in types_of(noun, ended) if one != f"{noun}.updated") if ended else ()
        return fields, {}, (*told, f"{noun}.{CREATED}")
    before = {"owner": _SOMEBODY, "status": _SOMEBODY}
    types = types_of(noun, {name: (before.get(name), fields[name]) for name in names})
    return fields, dict.fromkeys(sorted(names)), types


def _by(change: Change, connection: Connection) -> str | None:
    """Who committed it; what names taskhub as its client was ours, whoever it was done as."""
    origin = change.header.get("changeOrigin")
    if isinstance(origin, str) and _OURS in origin.rstrip("/").split(";"):
        return f"{connection.key}:{OURSELVES}"
    try:
        return ours(connection, "commitUser", change.header.get("commitUser"))
    except BadField:
        return None


def _order(change: Change, at: datetime | None) -> str:
    """Record versions are whole seconds: commit and place in the transaction tell two in one second apart."""
    numbers = [change.header.get(name) for name in ("commitNumber", "sequenceNumber")]
    exact = at.isoformat(timespec="microseconds") if at else ""
    placed = [f"{one:020d}" for one in numbers if isinstance(one, int) and not isinstance(one, bool) and one >= 0]
    return " ".join((exact, *placed, change.external_id))
