"""What is stored of each fact: its keys, and bytes from which it can be read again. Pure.

The delivery key of a notification is (organisation, its id, the version it tells), that of a change event (transaction,
place in it, object, record), that of a platform event its uuid. Where a relay left those out, the content names the
fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson

from taskhub.connectors.salesforce import changes, messages, platform
from taskhub.connectors.salesforce.bitmaps import HEADER, moves_in
from taskhub.connectors.salesforce.changes import Change
from taskhub.connectors.salesforce.identity import full_id, is_wildcard
from taskhub.connectors.salesforce.records import noun_of
from taskhub.connectors.salesforce.relay import Relayed
from taskhub.connectors.salesforce.reread import REREAD, NotFollowed, RereadNeeded
from taskhub.connectors.salesforce.soap import MEDIA_TYPE, Notification, OutboundMessage, written
from taskhub.events.canonical import body_hash
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery, Doubt, Event
from taskhub.ids import digest
from taskhub.policy.policies import Connection

JSON = "application/json"
_LONGEST = 200
LATE = timedelta(hours=1)  # an overflow is told some time after what it swallowed
Read = tuple[Event, tuple[str, ...]]


def of_notification(
    message: OutboundMessage, one: Notification, connection: Connection, received_at: datetime
) -> Iterator[Delivery]:  # fmt: skip
    """A notification that is sent again tells the record as it is by then: with another version it is news.

    Cut otherwise and with the same version it is the same: the rest of its values is no part of its hash.
    """
    kept = written(message, one)
    content = ("content", body_hash(kept.decode()))
    key = (message.organization_id[:15], one.id[:15], *_stamps(one)) if one.id else content
    draft = Delivery(
        source=f"salesforce:{connection.key}",
        external_id=one.id or content[1][:32],
        type=f"salesforce.{one.entity or 'unknown'}",
        subject=_subject(one.entity, one.fields.get("Id"), connection),
        occurred_at=None,
        delivery_key=digest("salesforce", connection.key, "om", *key),
        body_hash=body_hash([*key, one.entity, one.fields.get("Id")]),
        outcome="quarantined",
        kept=(kept, MEDIA_TYPE),
    )
    yield from _judged(draft, received_at, partial(messages.event_of, one, connection, received_at))


def of_change(relayed: Relayed, connection: Connection, received_at: datetime) -> Iterator[Delivery]:
    """One delivery for each record id: they share a change, and each has an effect of its own."""
    header = relayed.header or {}
    ids = header.get("recordIds")
    moves = moves_in(relayed.payload, header)
    for record_id in ids if isinstance(ids, list) and ids else [ids]:
        payload = {**relayed.payload, HEADER: {**header, "recordIds": [record_id]}}
        content = body_hash(payload)
        known = _key_of_change(header, record_id)
        name = "/".join(known)[:_LONGEST] if known else content
        change = Change(payload, payload[HEADER], record_id, name, moves)
        draft = Delivery(
            source=f"salesforce:{connection.key}",
            external_id=change.external_id,
            type=f"salesforce.{change.entity[:80]}.{change.kind[:40]}",
            subject=_subject(change.entity, record_id, connection),
            occurred_at=None,
            delivery_key=digest("salesforce", connection.key, "change", *(known or ("content", content))),
            body_hash=content,
            outcome="quarantined",
            kept=(orjson.dumps(payload), JSON),
        )
        yield from _judged(draft, received_at, partial(changes.event_of, change, connection, received_at))


def of_platform_event(relayed: Relayed, connection: Connection, received_at: datetime) -> Iterator[Delivery]:
    """Kept with its name and id around it, as streaming wraps it."""
    channel = {"channel": f"/event/{relayed.name}"} if relayed.name else {}
    # Two events may say the same: without an id of its own, the place in the channel tells one from the other.
    placed = {"replayId": relayed.replay} if relayed.replay and not relayed.uuid else {}
    said = {"data": {"payload": dict(relayed.payload), "event": {"EventUuid": relayed.uuid, **placed}}, **channel}
    content = body_hash(said)
    id_ = relayed.uuid or content
    draft = Delivery(
        source=f"salesforce:{connection.key}",
        external_id=id_,
        type=platform.type_of(relayed),
        subject=None,
        occurred_at=None,
        delivery_key=digest("salesforce", connection.key, "platform", id_),
        body_hash=content,
        outcome="quarantined",
        kept=(orjson.dumps(said), JSON),
    )
    yield from _judged(draft, received_at, lambda: (platform.event_of(relayed, id_, connection, received_at), ()))


def unread(item: Any, connection: Connection, reason: str) -> Delivery:
    """An event whose envelope has holes: kept under the hash of what it says, to be read again by a later version."""
    content = body_hash(item)
    return Delivery(
        source=f"salesforce:{connection.key}",
        external_id=content[:32],
        type="salesforce.unknown",
        subject=None,
        occurred_at=None,
        delivery_key=digest("salesforce", connection.key, "unread", content),
        body_hash=content,
        outcome="quarantined",
        reason=reason,
        kept=(orjson.dumps(item), JSON),
    )


def _judged(draft: Delivery, received_at: datetime, read: Callable[[], Read]) -> Iterator[Delivery]:
    """The delivery with its outcome; beside an event that leaves something in doubt, one that says so."""
    try:
        event, doubts = read()
    except NotFollowed as reason:
        yield replace(draft, outcome="ignored", reason=str(reason))
    except RereadNeeded as reason:
        doubt = Doubt(reason.of, since=received_at - LATE) if reason.of else _doubt(draft.subject, reason)
        yield replace(draft, outcome="ignored", reason=str(reason), doubt=doubt)
    except BadField as error:
        yield replace(draft, reason=str(error))
    else:
        kind, subject = event.type, str(event.record) if event.record else None
        at = event.occurred_at
        yield replace(draft, type=kind, subject=subject, occurred_at=at, outcome="accepted", event=event)
        if doubts:
            key = digest(draft.delivery_key, REREAD)
            why = f"{REREAD}: {', '.join(doubts)}"
            beside = replace(draft, subject=subject, occurred_at=at, delivery_key=key, outcome="ignored", reason=why)
            yield replace(beside, doubt=_doubt(subject))


def _doubt(subject: str | None, why: RereadNeeded | None = None) -> Doubt | None:
    """The record somebody has to ask for, where one is named."""
    noun, _, id_ = (subject or "").partition(":")
    if not id_:
        return None
    return Doubt(noun, id_) if why is None else Doubt(noun, id_, why.born, gone=why.gone)


def _stamps(one: Notification) -> tuple[str, ...]:
    return tuple(value for name in ("LastModifiedDate", "SystemModstamp") if (value := one.fields.get(name)))


def _key_of_change(header: Mapping[str, Any], record_id: Any) -> tuple[str, ...] | None:
    """None when a relay left out what the key is made of."""
    transaction, place, entity = (header.get(name) for name in ("transactionKey", "sequenceNumber", "entityName"))
    if not (isinstance(transaction, str) and isinstance(entity, str) and isinstance(record_id, str)):
        return None
    if not transaction or isinstance(place, bool) or not isinstance(place, int):
        return None
    return transaction, str(place), entity, _same_form(record_id)


def _same_form(record_id: str) -> str:
    try:
        return full_id("recordIds", record_id)
    except BadField:
        return record_id


def _subject(entity: str, record_id: Any, connection: Connection) -> str | None:
    """The record, where it is one: whoever re-reads it looks here."""
    noun = noun_of(entity, connection)
    if noun is None or not isinstance(record_id, str) or is_wildcard(record_id):
        return None
    try:
        return f"{noun}:{connection.key}:{full_id('Id', record_id)}"
    except BadField:
        return None
