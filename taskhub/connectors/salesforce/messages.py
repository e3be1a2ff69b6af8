"""One notification of an outbound message becomes a native event, or a reason why not. Pure.

It carries the values at the time of sending, whatever set it off: it tells a state, not a change. So rules fire for
what differs from what is known, and a message that took a detour is stale. Nor does it say who did it: whoever modified
the record last need not have set it off. Only when that was us it is told, for the loop guard: what we wrote to a known
record shows nothing new, but a record we made does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.connectors.salesforce.identity import ours, same_id
from taskhub.connectors.salesforce.links import native_data
from taskhub.connectors.salesforce.merging import end_of
from taskhub.connectors.salesforce.records import instant, native_fields, noun_of
from taskhub.connectors.salesforce.reread import NotFollowed, RereadNeeded
from taskhub.connectors.salesforce.soap import Notification
from taskhub.events.decimals import real
from taskhub.events.fields import read_fields
from taskhub.events.model import Event, RecordRef
from taskhub.events.native import NoRecord
from taskhub.policy.policies import Connection

_FLAGS = {"true": True, "false": False}
_VERSIONS = ("LastModifiedDate", "SystemModstamp")


def event_of(one: Notification, connection: Connection, received_at: datetime) -> tuple[Event, tuple[str, ...]]:
    """The event, and what is in doubt beside it.

    Raises ``NotFollowed`` (ignore), ``RereadNeeded`` (ignore, and look) or ``BadField`` (quarantine).
    """
    if not one.entity and not one.fields:
        raise RereadNeeded("no_data")
    noun = noun_of(one.entity, connection)
    if noun is None:
        raise NotFollowed(f"entity_not_followed: {one.entity[:60]}")
    raw = {name: _value(name, value) for name, value in one.fields.items()}
    given = ours(connection, "sObject.Id", raw.get("Id"))
    if given is None:
        raise NoRecord
    record = RecordRef(noun, given)
    deleted = raw.get("IsDeleted") is True
    kind, fields = (
        end_of(noun, raw, connection)
        if deleted
        else (f"{noun}.updated", read_fields(noun, native_fields(noun, raw, connection)))
    )
    if not fields:
        raise RereadNeeded("no_data")
    version = next((at for name in _VERSIONS if (at := instant(name, raw.get(name)))), None)
    event = Event(
        source=f"salesforce:{connection.key}",
        external_id=one.id,
        types=(kind,),
        occurred_at=version or received_at,
        record=record,
        data=native_data(noun, record, fields),
        connection=connection.key,
        states_change=deleted,
        by=us(raw.get("LastModifiedById"), connection),
        order=_order(raw, version, one.id),
    )
    return event, () if version else ("no_time",)


def us(user: Any, connection: Connection) -> str | None:
    """Our own user, where that is who modified a record last: nobody else is made out to have done it."""
    own = connection.settings.get("own_user")
    return f"{connection.key}:{own}" if isinstance(own, str) and isinstance(user, str) and same_id(own, user) else None


def _order(raw: Mapping[str, Any], version: datetime | None, id_: str) -> str:
    """What the system did to a record after its last editor moves the stamp alone."""
    stamp = instant("SystemModstamp", raw.get("SystemModstamp")) or version
    return f"{stamp.isoformat(timespec='microseconds') if stamp else ''} {id_}".strip()


def _value(name: str, value: str | None) -> Any:
    """XML has texts only: flags and amounts become what the other ways out say by themselves."""
    if value is None:
        return value
    if name == "Amount":
        return _number(value)
    return _FLAGS.get(value, value) if name.startswith("Is") or name.endswith("__c") else value


def _number(text: str) -> Any:
    """Large amounts come as 1.25E7."""
    try:
        value = real(text) if len(text) <= 40 and text.isascii() else math.nan
    except ValueError:
        return text
    return value if math.isfinite(value) else text
