"""The JSON that somebody relays: whatever they wrapped it in, what is in it. Pure.

Bare payloads, the streaming envelope ``{"data": {"payload", "event"}, "channel"}``, the Pub/Sub envelope
``{"event": {"id", "payload"}, "replay_id"}``, and an event bus that puts either under ``detail``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.connectors.salesforce.bitmaps import HEADER
from taskhub.errors import InvalidInput
from taskhub.events.fields import BadField

MOST_EVENTS = 1_000
_WRAPPERS = ("data", "detail", "event", "payload")
_DEPTH = 4
_CHANNEL = re.compile(r"/event/([0-9A-Za-z_]{1,80})", re.ASCII)
_TOPICS = ("channel", "topic", "topic_name", "topicName")
_SESSION = "sessionid"


@dataclass(frozen=True, slots=True)
class Relayed:
    """One event. ``header`` is None for a platform event, whose name and id stand in ``name`` and ``uuid``.

    ``replay`` is its place in its channel.
    """

    payload: Mapping[str, Any]
    header: Mapping[str, Any] | None
    name: str | None = None
    uuid: str | None = None
    replay: str | None = None


def items_in(body: Any) -> list[Any]:
    """The events in a body: an object is one, an array as many as it holds. Raises ``InvalidInput``."""
    items = body if isinstance(body, list) else [body]
    if len(items) > MOST_EVENTS:
        raise InvalidInput(f"An array holds at most {MOST_EVENTS} events.", code="too_many_events", limit=MOST_EVENTS)
    return [without_session(item) for item in items]


def read_item(item: Any) -> Relayed:
    """Raises ``InvalidInput`` (``no_envelope``) for what is neither, ``BadField`` for what has holes."""
    layers = _layers(item)
    for layer in layers:
        header = layer.get(HEADER)
        if header is not None:
            if not isinstance(header, Mapping):
                raise BadField(HEADER, "must be an object")
            return Relayed(layer, header)
    if any(isinstance(layer.get("payload"), str) for layer in layers):
        raise BadField("payload", "is text: decode Avro before relaying it")
    channel = _CHANNEL.search(_first(layers, _TOPICS) or "")
    uuid = _first(layers, ("EventUuid",)) or _first([one for one in layers if "payload" in one], ("id",))
    if channel is None and uuid is None:
        raise InvalidInput("Neither a change event nor a platform event of Salesforce.", code="no_envelope")
    return Relayed(_payload(layers), None, channel[1] if channel else None, uuid, _replay(layers))


def without_session(value: Any) -> Any:
    """``value`` without any member called SessionId: a relayed one would still open Salesforce."""
    if isinstance(value, dict):
        return {name: without_session(inner) for name, inner in value.items() if name.lower() != _SESSION}
    return [without_session(inner) for inner in value] if isinstance(value, list) else value


def _layers(item: Any) -> list[Mapping[str, Any]]:
    """The item and what it wraps, outermost first; beside a payload stands the event's own envelope."""
    found: list[Mapping[str, Any]] = []
    ahead = [item]
    while ahead and len(found) < _DEPTH * 2:
        layer = ahead.pop(0)
        if isinstance(layer, Mapping):
            found.append(layer)
            if HEADER not in layer:
                ahead += [layer[name] for name in _WRAPPERS if name in layer]
    return found


def _payload(layers: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    wrapped = (layer["payload"] for layer in layers if isinstance(layer.get("payload"), Mapping))
    return next(wrapped, layers[0])


def _replay(layers: list[Mapping[str, Any]]) -> str | None:
    """A number or an opaque text, as the way it was fetched has it."""
    found = (layer[name] for layer in layers for name in ("replayId", "replay_id") if name in layer)
    told = (str(one) for one in found if isinstance(one, int | str) and not isinstance(one, bool))
    return next((one for one in told if 0 < len(one) <= 200), None)


def _first(layers: list[Mapping[str, Any]], names: tuple[str, ...]) -> str | None:
    found = (layer[name] for layer in layers for name in names if isinstance(layer.get(name), str))
    return next((one for one in found if 0 < len(one) <= 200), None)
