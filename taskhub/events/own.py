"""Our own acts as events: stored like everybody's, so that rules, dry run and replay see one stream."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.events import store
from taskhub.events.canonical import body_hash, canonical
from taskhub.events.cloudevents import OWN
from taskhub.events.codec import event_to_json
from taskhub.events.inbox import IGNORED, RECEIVED
from taskhub.events.media import STRUCTURED
from taskhub.events.model import Event
from taskhub.events.service import settle, topic_of
from taskhub.failpoints import failpoint
from taskhub.ids import digest, new_id

SOURCE = OWN


def ingest(tx: Tx, event: Event) -> str:
    """Stores what was done here and sends it the way of every event. Returns the id under which it is kept."""
    told = {
        "specversion": "1.0", "id": event.external_id, "source": event.source, "type": event.type,
        "subject": event.record.id if event.record else None, "time": event.occurred_at.isoformat(),
        "data": {**event.data, "previous": event.previous},
    }  # fmt: skip
    normalised = event_to_json(event)
    row = {
        "id": new_id(), "source": event.source, "external_id": event.external_id, "type": event.type,
        "subject": told["subject"], "connection": None, "delivery_key": digest("own", event.external_id),
        "variant": "", "body_hash": body_hash(told), "occurred_at": event.occurred_at, "received_at": tx.now,
        "content_type": STRUCTURED, "headers": {}, "raw": canonical(told).encode(),
        "normalised": normalised, "state": RECEIVED, "reason": None,
    }  # fmt: skip
    store.insert_new(tx.conn, [row])
    failpoint("event.own_stored")
    tx.emit(topic_of(normalised), str(row["id"]), {"record": str(event.record or ""), "source": event.source})
    tx.count("taskhub_events_total", RECEIVED, SOURCE)
    tx.note("event", str(row["id"]))
    return str(row["id"])


def call_off(tx: Tx, ids: Iterable[str]) -> None:
    """What has not been applied yet never will be. Locks the events: ask before any record is locked."""
    for id_ in sorted(ids):
        stored = store.get(tx.conn, id_, locked=True)
        if stored is not None and (stored.state == RECEIVED or stored.failed):
            settle(tx, id_, IGNORED, "undone")


def instant(now: datetime, newest: datetime | None) -> datetime:
    """When an act counts as done: now, or right after the newest thing that is known, whichever is later."""
    return now if newest is None or newest < now else newest + newest.resolution
