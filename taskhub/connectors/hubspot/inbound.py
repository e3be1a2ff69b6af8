"""HubSpot's webhooks: who sent them, what they say, what to answer. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskhub.connectors.hubspot.normalise import NotFollowed, event_of, type_of
from taskhub.connectors.inbound import HookAnswer, HookRequest
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.events.canonical import body_hash
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery
from taskhub.events.reading import read_json
from taskhub.ids import digest
from taskhub.policy.policies import Connection

MOST = 100
TOLERANCE_MS = 300_000
_KEY = ("portalId", "objectId", "propertyName", "eventId", "occurredAt")


class HubSpotInbound:
    """Implements ``Inbound``. Secret: ``client_secret`` of the app; setting ``address``: the target URL it signs."""

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """Signature version 3, not older than five minutes; a connection without secret or address lets nobody in."""
        secret, address = secrets.get("client_secret"), connection.settings.get("address")
        if not secret or not isinstance(address, str):
            raise Unauthenticated(f"The connection {connection.key} needs client_secret and address.")
        stamp = request.headers.get("x-hubspot-request-timestamp", "")
        now = request.received_at.timestamp() * 1000
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 16) or abs(now - int(stamp)) > TOLERANCE_MS:
            raise Unauthenticated("The request is too old, or has no time.")
        signed = f"{request.method}{address}".encode() + request.body + stamp.encode()
        right = base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256))
        given = request.headers.get("x-hubspot-signature-v3", "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right):
            raise Unauthenticated("The signature is wrong.")

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One delivery for each notification; a single one stands for a list of one."""
        body = read_json(request.body, exact=True)
        items = [body] if isinstance(body, Mapping) else body
        if not isinstance(items, list) or not all(isinstance(one, Mapping) and "portalId" in one for one in items):
            raise InvalidInput("The body is no list of notifications of HubSpot.", code="no_envelope")
        if len(items) > MOST:
            raise InvalidInput(f"More than {MOST} notifications.", code="too_many_events", limit=MOST)
        portal = connection.settings.get("portal_id")
        if portal is not None and any(str(one["portalId"]) != str(portal) for one in items):
            raise InvalidInput("The notifications are not from this connection's account.", code="wrong_organization")
        return [_delivery(one, connection) for one in items]

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """Any 2xx within five seconds."""
        return HookAnswer(200, "application/json", b'{"status":"ok"}')


def _delivery(item: Mapping[str, Any], connection: Connection) -> Delivery:
    content = {name: value for name, value in item.items() if name not in ("attemptNumber", "subscriptionId")}
    kind = str(item.get("subscriptionType", item.get("eventType", "unknown")))[:100]
    draft = Delivery(
        source=f"hubspot:{connection.key}",
        external_id=str(item.get("eventId", ""))[:200],
        type=f"hubspot.{kind}",
        subject=None,
        occurred_at=None,
        delivery_key=digest("hubspot", connection.key, kind, *(str(item.get(name)) for name in _KEY)),
        body_hash=body_hash(content),
        outcome="quarantined",
    )
    try:
        type_of(item)
        event = event_of(item, connection)
    except NotFollowed as reason:
        return replace(draft, outcome="ignored", reason=str(reason))
    except BadField as error:
        return replace(draft, reason=str(error))
    told = replace(draft, type=event.type, subject=str(event.record), occurred_at=event.occurred_at)
    return replace(told, outcome="accepted", event=event)
