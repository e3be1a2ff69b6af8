"""The normalised event as JSON and back, without loss. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.events.model import Event, RecordRef


def event_to_json(event: Event) -> dict[str, Any]:
    """What the inbox stores."""
    return {
        "source": event.source,
        "external_id": event.external_id,
        "types": list(event.types),
        "occurred_at": event.occurred_at.isoformat(),
        "record": list(event.record) if event.record else None,
        "data": dict(event.data),
        "previous": {noun: dict(old) for noun, old in event.previous.items()},
        "connection": event.connection,
        "states_change": event.states_change,
        "by": event.by,
        "order": event.order,
        **({"partial": True} if event.partial else {}),
        **({"change": event.change} if event.change else {}),
        **({"look": event.look} if event.look else {}),
        **({"told": {noun: sorted(names) for noun, names in event.told.items()}} if event.told else {}),
    }


YOUNGER = ("partial", "change", "told")
"""What releases before them would pass over, and so apply the event as something it is not."""


def is_plain(normalised: Mapping[str, Any]) -> bool:
    """Whether every release that may run beside this one reads the stored event as this one does."""
    return not any(name in normalised for name in YOUNGER)


def event_from_json(raw: Mapping[str, Any]) -> Event:
    """Inverse of ``event_to_json``; fields added later may be missing in old rows."""
    return Event(
        source=raw["source"],
        external_id=raw["external_id"],
        types=tuple(raw["types"]),
        occurred_at=datetime.fromisoformat(raw["occurred_at"]),
        record=RecordRef(*raw["record"]) if raw.get("record") else None,
        data=raw.get("data") or {},
        previous=raw.get("previous") or {},
        connection=raw.get("connection"),
        states_change=raw.get("states_change", True),
        by=raw.get("by"),
        order=raw.get("order", ""),
        partial=raw.get("partial", False),
        change=raw.get("change", ""),
        look=raw.get("look", ""),
        told={noun: tuple(names) for noun, names in raw.get("told", {}).items()},
    )
