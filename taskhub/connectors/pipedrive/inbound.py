"""Pipedrive's webhooks: who sent it, what it says, what to answer. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.connectors.inbound import HookAnswer, HookRequest
from taskhub.connectors.pipedrive.envelope import Envelope, read_envelope, without_delivery
from taskhub.connectors.pipedrive.normalise import NotFollowed, Untold, doubt_of, event_of, untold
from taskhub.errors import Unauthenticated
from taskhub.events.canonical import body_hash
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery, Doubt, Event
from taskhub.events.reading import read_json
from taskhub.ids import digest
from taskhub.policy.policies import Connection


class PipedriveInbound:
    """Implements ``Inbound``. Secrets: ``user`` and ``password`` (HTTP Basic), ``path`` (last part of the route)."""

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """Every secret the connection has must be met; a connection without any lets nobody in."""
        if not secrets.get("password") and not secrets.get("path"):
            raise Unauthenticated(f"The connection {connection.key} has no secret: set password or path.")
        if secrets.get("path") and not _equal(request.path_secret or "", secrets["path"]):
            raise Unauthenticated("The secret part of the address is wrong.")
        if secrets.get("password"):
            user, password = _basic(request.headers.get("authorization", ""))
            # Both are compared always, so that time does not tell which one was wrong.
            right = _equal(user, secrets.get("user", "")), _equal(password, secrets["password"])
            if not all(right):
                raise Unauthenticated("User or password is wrong.")

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One body is one fact."""
        body = read_json(request.body, exact=True)
        try:
            envelope = read_envelope(body)
        except BadField as error:
            return [_unread(body, connection, str(error))]
        try:
            event = event_of(envelope, connection, request.received_at)
        except Untold as reason:
            doubt = untold(envelope, connection)
            return [_delivery(body, envelope, connection, "ignored", reason=str(reason), doubt=doubt)]
        except NotFollowed as reason:
            return [_delivery(body, envelope, connection, "ignored", reason=str(reason))]
        except BadField as error:
            return [_delivery(body, envelope, connection, "quarantined", reason=str(error))]
        doubt = doubt_of(envelope, event, connection)
        return [_delivery(body, envelope, connection, "accepted", event=event, doubt=doubt)]

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """Any 2xx will do, whatever became of the fact: anything else counts towards a ban."""
        return HookAnswer(200, "application/json", b'{"status":"ok"}')


def _delivery(
    body: Any,
    envelope: Envelope,
    connection: Connection,
    outcome: str,
    *,
    event: Event | None = None,
    reason: str | None = None,
    doubt: Doubt | None = None,
) -> Delivery:
    return Delivery(
        source=f"pipedrive:{connection.key}",
        external_id=envelope.event_id or "-".join(envelope.key),
        type=event.type if event else f"pipedrive.{envelope.entity}.{envelope.action}",
        subject=str(event.record) if event else None,
        occurred_at=event.occurred_at if event else envelope.at,
        delivery_key=digest("pipedrive", connection.key, *envelope.key),
        body_hash=body_hash(without_delivery(body)),
        outcome=outcome,
        event=event,
        reason=reason,
        doubt=doubt,
    )


def _unread(body: Mapping[str, Any], connection: Connection, reason: str) -> Delivery:
    """A body whose envelope has holes: kept under the hash of what it says, to be read again by a later version."""
    content = body_hash(without_delivery(body))
    return Delivery(
        source=f"pipedrive:{connection.key}",
        external_id=content[:32],
        type="pipedrive.unknown",
        subject=None,
        occurred_at=None,
        delivery_key=digest("pipedrive", connection.key, "unread", content),
        body_hash=content,
        outcome="quarantined",
        reason=reason,
    )


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _basic(header: str) -> tuple[str, str]:
    """User and password of HTTP Basic; two empty texts when the header is anything else."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password
