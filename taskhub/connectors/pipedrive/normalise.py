"""One Pipedrive fact becomes a native event, or a reason why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from taskhub.connectors.pipedrive.envelope import CHANGE, CREATE, DELETE, Envelope, read_time
from taskhub.connectors.pipedrive.options import unlabelled
from taskhub.connectors.pipedrive.records import NOUNS, lost_by_label, native_fields, prefixed
from taskhub.connectors.reading import OPTIONS_REST
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import Doubt, Event, RecordRef
from taskhub.events.native import CREATED, MERGED, NoRecord, types_of
from taskhub.policy.policies import Connection


class NotFollowed(Exception):
    """Understood, and nothing for taskhub to do; ``str()`` is the reason."""


class Untold(NotFollowed):
    """The record itself has to tell what became of it."""


def event_of(envelope: Envelope, connection: Connection, received_at: datetime) -> Event:
    """The event; raises ``NotFollowed`` (ignore) or ``BadField`` (quarantine)."""
    _check_company(envelope, connection)
    noun = NOUNS.get(envelope.entity)
    if noun is None:
        raise NotFollowed(f"entity_not_followed: {envelope.entity[:60]}")
    if envelope.action == MERGED:
        raise Untold("merged: which record went is not told")
    if envelope.action not in (CREATE, CHANGE, DELETE):
        raise NotFollowed(f"action_not_followed: {envelope.action[:60]}")
    raw = envelope.previous if envelope.action == DELETE else envelope.current
    record = _record(noun, envelope, raw, connection)
    fields = fields_of(noun, raw or {}, connection)
    old = _old_values(noun, envelope, raw or {}, connection) if envelope.action == CHANGE else {}
    types = _types(noun, envelope.action, fields, old, merged=bool(envelope.merged_into))
    occurred_at = _occurred_at(envelope, raw or {}) or received_at
    if envelope.action == DELETE:
        fields = {"deleted": True, **_gone_to(noun, envelope, connection), **_links(fields)}
    return Event(
        source=f"pipedrive:{connection.key}",
        external_id=envelope.event_id or "-".join(envelope.key),
        types=types,
        occurred_at=occurred_at,
        record=record,
        data=data_of(noun, record, fields),
        previous={noun: old} if old else {},
        connection=connection.key,
        by=prefixed(connection, envelope.actor),
        order=_order(envelope),
    )


def untold(envelope: Envelope, connection: Connection) -> Doubt | None:
    """The record an older body names without saying what it has become."""
    noun, id_ = NOUNS.get(envelope.entity), prefixed(connection, envelope.entity_id)
    return Doubt(noun, id_) if noun is not None and id_ is not None else None


def doubt_of(envelope: Envelope, event: Event, connection: Connection) -> Doubt | None:
    """A record that shows an option without a label is read once more, when labels may be asked for again."""
    record, raw = event.record, envelope.current
    if record is None or raw is None or not unlabelled(record.noun, raw, connection):
        return None
    asked = connection.asked_options.get(record.noun)
    return Doubt(record.noun, record.id, after=None if asked is None else asked + OPTIONS_REST)


def _check_company(envelope: Envelope, connection: Connection) -> None:
    """A connection may name its company, so that another customer's events cannot wander in."""
    company = connection.settings.get("company_id")
    if company is not None and str(company) != envelope.company:
        raise BadField("meta.company_id", "is not this connection's company")


def _record(noun: str, envelope: Envelope, raw: Mapping[str, Any] | None, connection: Connection) -> RecordRef:
    if raw is None:
        raise NoRecord
    given = prefixed(connection, raw.get("id")) or prefixed(connection, envelope.entity_id)
    if given is None:
        raise NoRecord
    read_fields(noun, {"id": given})
    return RecordRef(noun, given)


def fields_of(noun: str, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    mapped = native_fields(noun, raw, connection)
    reason = lost_by_label(mapped.get("labels"), connection) if noun == "lead" else None
    if reason is not None:
        mapped.update(status="lost", lost_reason=reason)
    return read_fields(noun, mapped)


def _old_values(noun: str, envelope: Envelope, raw: Mapping[str, Any], connection: Connection) -> dict[str, Any]:
    """Old values of the fields that have another value now; some of ours depend on several of theirs."""
    old = fields_of(noun, {**raw, **envelope.previous}, connection)
    new = fields_of(noun, raw, connection)
    return {name: value for name, value in old.items() if name in new and new[name] != value}


def _types(
    noun: str, action: str, fields: Mapping[str, Any], old: Mapping[str, Any], *, merged: bool
) -> tuple[str, ...]:  # fmt: skip
    if action == DELETE:
        return (f"{noun}.merged" if merged else f"{noun}.deleted",)
    if action == CHANGE:
        return types_of(noun, {name: (value, fields[name]) for name, value in old.items()})
    ended = {name: (None, fields[name]) for name in ("status", "done") if fields.get(name) in ("won", "lost", True)}
    return (*(types_of(noun, ended) if ended else ()), f"{noun}.{CREATED}")


def _occurred_at(envelope: Envelope, raw: Mapping[str, Any]) -> datetime | None:
    """The record's own version where it has one: a later poll knows the change by the same instant."""
    if envelope.action == DELETE:
        return envelope.at
    own = read_time("update_time", raw.get("update_time")) or read_time("add_time", raw.get("add_time"))
    return own or envelope.at


def _order(envelope: Envelope) -> str:
    """Record versions of deals are whole seconds; the event's own instant tells two changes in one second apart."""
    exact = envelope.at.astimezone(UTC).isoformat(timespec="microseconds") if envelope.at else ""
    return f"{exact} {envelope.event_id}".strip()


def data_of(noun: str, record: RecordRef, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The native objects; the deal or lead of an activity is named beside it."""
    data: dict[str, Any] = {noun: {"id": record.id, **fields}}
    for other in ("deal", "lead"):
        if noun == "activity" and fields.get(other) is not None:
            data[other] = {"id": fields[other]}
    return data


def _gone_to(noun: str, envelope: Envelope, connection: Connection) -> dict[str, Any]:
    """Where a merge over there sent the record; activities are not merged."""
    into = prefixed(connection, envelope.merged_into)
    return {} if into is None or noun == "activity" else {"merged_into": into}


def _links(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Of a deleted record only its links stay: its last state was told before."""
    return {name: fields[name] for name in ("deal", "lead", "contact", "account") if fields.get(name) is not None}
