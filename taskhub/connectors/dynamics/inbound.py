"""Dataverse's webhook steps: who sent it, what it says, what to answer. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskhub.connectors.dynamics.context import (
    STRIPPED_HEADER,
    Context,
    check_envelope,
    delivery_key,
    read_context,
)
from taskhub.connectors.dynamics.messages import CREATE, NotFollowed, RereadNeeded
from taskhub.connectors.dynamics.normalise import event_of, merge_of, subject_of
from taskhub.connectors.dynamics.values import guid
from taskhub.connectors.inbound import HookAnswer, HookRequest
from taskhub.errors import InvalidInput, Unauthenticated
from taskhub.events.canonical import body_hash
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery, Doubt, Event
from taskhub.events.reading import read_json
from taskhub.ids import digest
from taskhub.policy.policies import Connection

WEBHOOK_KEY = "code"  # authentication WebhookKey hangs ?code=… on the address
_TOLD = ("organization", "entity-name", "request-name", "msg-size-exceeded")
_KEPT = ("content-type", "content-length", "x-ms-correlation-request-id", *(f"x-ms-dynamics-{name}" for name in _TOLD))


class DynamicsInbound:
    """Implements ``Inbound``. Secrets: ``code``, ``header``, ``query`` (one per way to authenticate), ``path``.

    The header's and the parameter's name are settings: ``header_name``, ``query_name``.
    """

    retries_only_unavailable = True

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """Every secret the connection has must be met; a connection without any lets nobody in."""
        given = {
            "code": request.query.get(WEBHOOK_KEY, ""),
            "header": _shown(request.headers, connection.settings.get("header_name"), str.lower),
            "query": _shown(request.query, connection.settings.get("query_name"), str),
            "path": request.path_secret or "",
        }
        wanted = {name: secrets[name] for name in given if secrets.get(name)}
        if not wanted:
            raise Unauthenticated(f"The connection {connection.key} has no secret: set code, header, query or path.")
        # All are compared always, so that time does not tell which one was wrong.
        right = [_equal(given[name], secret) for name, secret in wanted.items()]
        if not all(right):
            raise Unauthenticated("The secret of the step is wrong.")

    def kept_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Only what is known to be harmless: customers name the header of their secret as they like."""
        return {name: value for name, value in headers.items() if name in _KEPT}

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One body is one fact. Raises ``InvalidInput`` for no message of Dataverse, or of another organisation."""
        body = check_envelope(read_json(request.body, exact=True))
        wanted = guid(connection.settings.get("organization_id"))
        if wanted is not None and guid(body["OrganizationId"]) != wanted:
            raise InvalidInput("The message is not from this connection's organisation.", code="wrong_organization")
        try:
            context = read_context(body)
        except BadField as error:
            return [_delivery(body, None, connection, "quarantined", reason=str(error))]
        try:
            event = event_of(context, connection, request.received_at, stripped=STRIPPED_HEADER in request.headers)
        except NotFollowed as reason:
            return [_delivery(body, context, connection, "ignored", reason=str(reason))]
        except RereadNeeded as reason:
            ignored = _delivery(body, context, connection, "ignored", reason=str(reason))
            return [replace(ignored, doubt=_doubt(ignored.subject, context))]
        except BadField as error:
            return [_delivery(body, context, connection, "quarantined", reason=str(error))]
        accepted = _delivery(body, context, connection, "accepted", event=event)
        return [replace(accepted, doubt=merge_of(context, connection))]

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """Only the status counts, and any 2xx will do."""
        return HookAnswer(200, "application/json", b'{"status":"ok"}')


def _delivery(
    body: Mapping[str, Any],
    context: Context | None,
    connection: Connection,
    outcome: str,
    *,
    event: Event | None = None,
    reason: str | None = None,
) -> Delivery:
    """One delivery; a body with holes is kept as well, to be read again by a later version."""
    content = body_hash(body)
    # Without an operation nothing tells two messages apart but what they say.
    key = delivery_key(body) if context and context.operation else (*delivery_key(body), content)
    named = subject_of(context, connection) if context else None
    return Delivery(
        source=f"dynamics:{connection.key}",
        external_id=(context.operation if context else "") or digest(*key)[:32],
        type=event.type if event else f"dynamics.{body['PrimaryEntityName'][:100]}.{body['MessageName'][:100]}",
        subject=str(event.record) if event else named,
        occurred_at=event.occurred_at if event else context.at if context else None,
        delivery_key=digest("dynamics", connection.key, *key),
        body_hash=content,
        outcome=outcome,
        event=event,
        reason=reason,
    )


def _doubt(subject: str | None, context: Context) -> Doubt | None:
    """The record somebody has to ask for, where one is named."""
    noun, _, id_ = (subject or "").partition(":")
    return Doubt(noun, id_, born=context.message == CREATE) if id_ else None


def _shown(sent: Mapping[str, str], name: Any, spelled: Callable[[str], str]) -> str:
    """What was sent under the name the customer chose; nothing, which is never right, while they have chosen none."""
    return sent.get(spelled(name), "") if isinstance(name, str) and name else ""


def _equal(given: str, wanted: str) -> bool:
    """Headers come as Latin-1, whatever was sent: their bytes are compared, or those of the text."""
    raw = given.encode("utf-8", "surrogatepass")
    sent = given.encode("latin-1") if all(ord(char) < 256 for char in given) else raw
    right = hmac.compare_digest(raw, wanted.encode()), hmac.compare_digest(sent, wanted.encode())
    return any(right)
