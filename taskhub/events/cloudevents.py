"""CloudEvents 1.0 over HTTP: structured, binary and batch bodies become deliveries.

A broken envelope is refused (``InvalidInput``), a batch as a whole. Data we cannot read stays opaque (ignored,
``opaque_data``); a native type whose data makes no sense is quarantined.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.attributes import Attributes, read_attributes
from taskhub.events.binary import attributes_in, is_binary
from taskhub.events.canonical import body_hash, canonical
from taskhub.events.fields import BadField
from taskhub.events.media import BATCH, STRUCTURED, check_charset, essence, is_json, unsupported
from taskhub.events.model import Delivery, Event
from taskhub.events.native import NATIVE_TYPES, read_native
from taskhub.events.reading import read_json
from taskhub.ids import digest

MAX_BATCH = 1_000
OPAQUE = "opaque_data"
OWN = "taskhub"  # under which our own acts are told; taskhub.events.own


class _Opaque:
    """Data in a form we do not read; ``text`` stands for it in the body's hash."""

    def __init__(self, text: str) -> None:
        self.text = text


def read_cloudevents(headers: Mapping[str, str], body: bytes, received_at: datetime) -> list[Delivery]:
    """The deliveries in one request; ``headers`` have lower-case names, ``received_at`` stands in for a missing time.

    ``application/json`` without ``ce-`` headers is taken for the structured or batch form, as many clients send it.
    """
    content_type = headers.get("content-type")
    check_charset(content_type)
    if is_binary(headers) and essence(content_type) not in (STRUCTURED, BATCH):
        return [_binary(headers, content_type, body, received_at)]
    kind = essence(content_type)
    if kind not in (STRUCTURED, BATCH, "application/json"):
        raise unsupported(content_type)
    value = read_json(body, exact=True)
    if kind == BATCH or (kind == "application/json" and isinstance(value, list)):
        return _batch(value, received_at)
    return [read_structured(value, received_at)]


def read_structured(value: Any, received_at: datetime) -> Delivery:
    """One event in the JSON format."""
    if not isinstance(value, dict):
        raise InvalidInput("An event is a JSON object.", code="not_an_object")
    attributes = read_attributes(value)
    if value.get("data") is not None and value.get("data_base64") is not None:
        raise InvalidInput("data and data_base64 exclude each other.", code="bad_attribute", attribute="data_base64")
    return _delivery(attributes, _structured_data(value, attributes.content_type), received_at)


def _batch(value: Any, received_at: datetime) -> list[Delivery]:
    if not isinstance(value, list):
        raise InvalidInput("A batch is a JSON array.", code="not_an_array")
    if len(value) > MAX_BATCH:
        raise InvalidInput(f"A batch holds at most {MAX_BATCH} events.", code="too_many_events", limit=MAX_BATCH)
    deliveries = []
    for index, item in enumerate(value):
        try:
            deliveries.append(read_structured(item, received_at))
        except InvalidInput as error:
            fields = {**error.fields, "index": index}
            raise InvalidInput(f"Event {index}: {error.message}", code=error.stable_code, **fields) from None
    return deliveries


def _binary(headers: Mapping[str, str], content_type: str | None, body: bytes, received_at: datetime) -> Delivery:
    attributes = read_attributes({**attributes_in(headers), "datacontenttype": content_type})
    if not body:
        data: Any = None
    elif is_json(content_type):
        data = read_json(body, exact=True)
    else:
        data = _Opaque(base64.b64encode(body).decode())
    return _delivery(attributes, data, received_at)


def _structured_data(value: Mapping[str, Any], content_type: str | None) -> Any:
    encoded = value.get("data_base64")
    if encoded is None:
        data = value.get("data")
        return data if data is None or is_json(content_type) else _Opaque(canonical(data))
    if not isinstance(encoded, str) or not is_json(content_type):
        return _Opaque(canonical(encoded))
    try:
        return read_json(base64.b64decode(encoded, validate=True), exact=True)
    except (binascii.Error, ValueError, InvalidInput):
        return _Opaque(encoded)


def _delivery(attributes: Attributes, data: Any, received_at: datetime) -> Delivery:
    if attributes.source == OWN:
        raise InvalidInput(
            f"{OWN!r} is the source of what is done here: send events under a source of your own.",
            code="reserved_source", attribute="source",
        )  # fmt: skip
    opaque = isinstance(data, _Opaque)
    said = {"type": attributes.type, "subject": attributes.subject, "data": data.text if opaque else data}
    time = attributes.time.isoformat() if attributes.time else None
    event: Event | None = None
    reason: str | None = None
    try:
        event = None if opaque else _event(attributes, data, received_at)
        reason = OPAQUE if event is None else None
    except BadField as error:
        reason = str(error)
    outcome = "accepted" if event else "ignored" if reason == OPAQUE else "quarantined"
    return Delivery(
        source=attributes.source,
        external_id=attributes.id,
        type=attributes.type,
        subject=attributes.subject,
        occurred_at=attributes.time,
        delivery_key=digest("ce", attributes.source, attributes.id),
        body_hash=body_hash({**said, "time": time}),
        outcome=outcome,
        event=event,
        reason=reason,
    )


def _event(attributes: Attributes, data: Any, received_at: datetime) -> Event | None:
    """None for data that is JSON but no object, unless a native type makes that an error."""
    if data is not None and not isinstance(data, Mapping):
        if attributes.type in NATIVE_TYPES:
            raise BadField("data", "must be an object")
        return None
    native = read_native(attributes.type, attributes.subject, data or {})
    return Event(
        source=attributes.source,
        external_id=attributes.id,
        types=(attributes.type,),
        occurred_at=attributes.time or received_at,
        record=native.record,
        data=native.data,
        previous=native.previous,
    )
