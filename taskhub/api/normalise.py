"""Stored bytes read again: the connection's reader for hooks, CloudEvents for everything else."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.connectors import reading
from taskhub.connectors.inbound import HookRequest
from taskhub.connectors.looking.labels import labelled
from taskhub.connectors.states import delivery_of
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events.cloudevents import read_cloudevents
from taskhub.events.inbox import Raw, Stored
from taskhub.events.model import Delivery
from taskhub.http.state import AppState


def again(tx: Tx, state: AppState, stored: Stored, raw: Raw) -> Sequence[Delivery]:
    """The deliveries in the stored bytes under today's maps; none when they cannot be read at all."""
    headers = {**raw.headers, "content-type": raw.content_type}
    connection = tx.policies.connections.get(stored.connection or "")
    try:
        connection = labelled(tx, connection) if connection is not None else None
        if connection is not None and raw.content_type == reading.MEDIA_TYPE:
            return [delivery_of(reading.seen_in(raw.body), connection)]
        if connection is None:
            return read_cloudevents(headers, raw.body, stored.received_at)
        request = HookRequest(raw.body, stored.received_at, headers=headers)
        return state.inbound(connection.system).split_and_normalise(request, connection)
    except (InvalidInput, ValueError):
        return []
