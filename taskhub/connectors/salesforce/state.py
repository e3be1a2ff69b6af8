"""A record of Salesforce as its API shows it, in our words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.connectors.reading import State
from taskhub.connectors.salesforce.identity import ours
from taskhub.connectors.salesforce.links import native_data
from taskhub.connectors.salesforce.messages import us
from taskhub.connectors.salesforce.records import instant, native_fields
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import RecordRef
from taskhub.policy.policies import Connection


def state_of(noun: str, raw: Mapping[str, Any], connection: Connection) -> State:
    """Raises ``BadField``."""
    given = ours(connection, "Id", raw.get("Id"))
    if given is None:
        raise BadField("Id", "is missing")
    ref = RecordRef(noun, given)
    told = {name: value for name, value in raw.items() if name != "attributes"}
    fields = read_fields(noun, native_fields(noun, told, connection))
    made_at, version = (instant(name, raw.get(name)) for name in ("CreatedDate", "LastModifiedDate"))
    by, made_by = (us(raw.get(name), connection) for name in ("LastModifiedById", "CreatedById"))
    handed_on = raw.get("CreatedById") is not None and made_by != by
    return State(ref, native_data(noun, ref, fields), version or made_at, made_at, by, handed_on)
