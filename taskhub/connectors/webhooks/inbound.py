"""Standard Webhooks: who sent it, what it says, what to answer. Pure.

The body is a CloudEvent in the structured form, or ``{"type", "timestamp"?, "subject"?, "data"}`` with a type and data
as ``POST /events`` takes them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskhub.connectors import standard_webhooks
from taskhub.connectors.inbound import HookAnswer, HookRequest
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.events.canonical import body_hash
from taskhub.events.cloudevents import read_structured
from taskhub.events.model import Delivery
from taskhub.events.reading import read_json
from taskhub.ids import digest
from taskhub.policy.policies import Connection


class StandardWebhooksInbound:
    """Implements ``Inbound``. Secrets: ``signing_key``, and ``path`` (last part of the route) for who wants both."""

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """The signature must fit; so must the address, where it has a secret part."""
        path, key = secrets.get("path", ""), secrets.get("signing_key", "")
        if not key:
            raise Unauthenticated(f"The connection {connection.key} has no signing key.")
        if path and not hmac.compare_digest((request.path_secret or "").encode(), path.encode()):
            raise Unauthenticated("The secret part of the address is wrong.")
        standard_webhooks.verify(request.headers, request.body, key, request.received_at)

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One body is one fact; raises ``InvalidInput`` for what is no event."""
        body = read_json(request.body, exact=True)
        if not isinstance(body, dict):
            raise InvalidInput("A webhook is a JSON object.", code="not_an_object")
        named = body if "specversion" in body else _enveloped(body, request.headers, connection)
        one = read_structured(named, request.received_at)
        return [replace(one, delivery_key=digest("webhooks", connection.key, one.source, one.external_id))]

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """Any 2xx will do."""
        return HookAnswer(200, "application/json", b'{"status":"ok"}')


def _enveloped(body: Mapping[str, Any], headers: Mapping[str, str], connection: Connection) -> dict[str, Any]:
    """The id of the message is the same over all its retries; without one the content names the fact."""
    given = {"time": body.get("timestamp", body.get("time")), "subject": body.get("subject"), "data": body.get("data")}
    return {
        "specversion": "1.0",
        "id": headers.get(standard_webhooks.ID) or body_hash(body),
        "source": f"webhooks:{connection.key}",
        "type": body.get("type"),
        **given,
    }
