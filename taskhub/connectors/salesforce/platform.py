"""Platform events: what an organisation sends under names and with fields of its own. Pure."""

from __future__ import annotations

from datetime import datetime

from taskhub.connectors.salesforce.identity import ours
from taskhub.connectors.salesforce.records import instant
from taskhub.connectors.salesforce.relay import Relayed
from taskhub.events.fields import BadField
from taskhub.events.model import Event
from taskhub.policy.policies import Connection

UNNAMED = "platform_event"


def type_of(relayed: Relayed) -> str:
    """What rules listen to: ``salesforce.Low_Ink__e``."""
    return f"salesforce.{relayed.name or UNNAMED}"


def event_of(relayed: Relayed, external_id: str, connection: Connection, received_at: datetime) -> Event:
    """An event about no record: rules find its fields under ``data``. Raises ``BadField`` (quarantine)."""
    created = relayed.payload.get("CreatedDate")
    return Event(
        source=f"salesforce:{connection.key}",
        external_id=external_id,
        types=(type_of(relayed),),
        occurred_at=instant("CreatedDate", created) or received_at,
        data=dict(relayed.payload),
        connection=connection.key,
        by=_by(relayed, connection),
    )


def _by(relayed: Relayed, connection: Connection) -> str | None:
    try:
        return ours(connection, "CreatedById", relayed.payload.get("CreatedById"))
    except BadField:
        return None
