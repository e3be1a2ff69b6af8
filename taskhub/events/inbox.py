"""What is stored of a delivery, and what one more copy of it means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from taskhub.events.model import Delivery, Event

RECEIVED, APPLIED, IGNORED, QUARANTINED = "received", "applied", "ignored", "quarantined"
STATES = (RECEIVED, APPLIED, IGNORED, QUARANTINED)
ACCEPTED, DUPLICATE = "accepted", "duplicate"
OTHER_BODY = "same_id_other_body"
NOT_APPLIED = "could_not_apply: "
STATE_OF_OUTCOME = {"accepted": RECEIVED, "ignored": IGNORED, "quarantined": QUARANTINED}
_CREDENTIAL = re.compile(r"auth|cookie|token|secret|key|password|signature|credential", re.IGNORECASE)
_STRUCTURED = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told: ``id`` is theirs, ``event_id`` ours."""

    event_id: str
    source: str
    id: str
    status: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored delivery; ``event`` is None when it could not be normalised."""

    id: str
    source: str
    external_id: str
    type: str
    subject: str | None
    connection: str | None
    delivery_key: str
    variant: str
    occurred_at: datetime
    received_at: datetime
    state: str
    reason: str | None
    event: Event | None

    @property
    def failed(self) -> bool:
        """Whether it was read, and set aside because applying it failed for good."""
        return self.state == QUARANTINED and (self.reason or "").startswith(NOT_APPLIED) and self.event is not None


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a stored delivery as they came in, for normalising them again."""

    body: bytes
    content_type: str
    headers: Mapping[str, str]


def scrubbed(headers: Mapping[str, str]) -> dict[str, str]:
    """``headers`` in lower case without anything that could be a credential.

    >>> scrubbed({"Authorization": "Basic x", "Ce-Id": "1"})
    {'ce-id': '1'}
    """
    return {name.lower(): value for name, value in headers.items() if not _CREDENTIAL.search(name)}


def pieces(raw: bytes, content_type: str, deliveries: Sequence[Delivery]) -> list[tuple[bytes, str]]:
    """The bytes and content type of each delivery: an element of a batch is kept alone, anything else as a whole.

    A reader that says itself what to keep has the last word.
    """
    parts = _split(raw, content_type, deliveries)
    return [one.kept or part for one, part in zip(deliveries, parts, strict=True)]


def _split(raw: bytes, content_type: str, deliveries: Sequence[Delivery]) -> list[tuple[bytes, str]]:
    whole = [(raw, content_type)] * len(deliveries)
    if len(deliveries) < 2 or not raw.lstrip().startswith(b"["):
        return whole
    items = orjson.loads(raw)
    if len(items) != len(deliveries):
        return whole
    kind = _STRUCTURED if "json" in content_type else content_type
    return [(orjson.dumps(item), kind) for item in items]
