"""Salesforce's hooks: who sent it, what it says, what to answer. Pure.

XML is an outbound message, anything else is what somebody relays as JSON.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskhub.connectors import standard_webhooks
from taskhub.connectors.inbound import HookAnswer, HookRequest
from taskhub.connectors.salesforce import deliveries as made
from taskhub.connectors.salesforce import soap
from taskhub.connectors.salesforce.identity import same_id
from taskhub.connectors.salesforce.relay import MOST_EVENTS, Relayed, items_in, read_item
from taskhub.errors import InvalidInput, TaskhubError, Unauthenticated
from taskhub.events.fields import BadField
from taskhub.events.model import Delivery
from taskhub.events.reading import MAX_BYTES, read_json
from taskhub.policy.policies import Connection

_MOST_KEPT = 4 * MAX_BYTES


class SalesforceInbound:
    """Implements ``Inbound`` and ``SpeaksFaults``.

    Secrets: ``path`` (last part of the route), for outbound messages the only one; ``bearer`` and ``signing_key``
    (Standard Webhooks) for relayed events.
    """

    def verify(self, request: HookRequest, connection: Connection, secrets: Mapping[str, str]) -> None:
        """Every secret that can be met by such a sender must be; where none can, nobody is let in."""
        path, bearer, key = (secrets.get(name, "") for name in ("path", "bearer", "signing_key"))
        by_header = (bearer or key) and not _is_xml(request)
        if not path and not by_header:
            raise Unauthenticated(f"The connection {connection.key} has no secret such a sender could show.")
        if path and not _equal(request.path_secret or "", path):
            raise Unauthenticated("The secret part of the address is wrong.")
        if bearer and by_header:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not _equal(given.strip(), bearer):
                raise Unauthenticated("The bearer secret is wrong.")
        if key and by_header:
            standard_webhooks.verify(request.headers, request.body, key, request.received_at)

    def split_and_normalise(self, request: HookRequest, connection: Connection) -> list[Delivery]:
        """One delivery for each record a notification or event speaks of."""
        found: list[Delivery] = []
        size = 0
        for one in _messages(request, connection) if _is_xml(request) else _relayed(request, connection):
            found.append(one)
            size += len(one.kept[0]) if one.kept else 0
            if len(found) > 2 * MOST_EVENTS:
                raise InvalidInput("Too many records in one body.", code="too_many_events", limit=2 * MOST_EVENTS)
            if size > _MOST_KEPT:
                raise InvalidInput("The events name too many records for their size.", code="too_large")
        return found

    def answer(self, deliveries: Sequence[Delivery]) -> HookAnswer:
        """One acknowledgement for the whole batch, whatever became of each; a relay is told that all is well."""
        if any(one.kept and one.kept[1] == soap.MEDIA_TYPE for one in deliveries):
            return HookAnswer(200, soap.MEDIA_TYPE, soap.acknowledgement())
        return HookAnswer(200, "application/json", b'{"status":"ok"}')

    def fault(self, request: HookRequest, error: TaskhubError, status: int) -> HookAnswer | None:
        """A refusal in the words of SOAP."""
        return HookAnswer(status, soap.MEDIA_TYPE, soap.fault(error.message)) if _is_xml(request) else None


def _messages(request: HookRequest, connection: Connection) -> Iterator[Delivery]:
    message = soap.read_message(request.body)
    own = connection.settings.get("organization_id")
    if isinstance(own, str) and not same_id(own, message.organization_id):
        raise InvalidInput("The message is not from this connection's organisation.", code="wrong_organization")
    for one in message.notifications:
        yield from made.of_notification(message, one, connection, request.received_at)


def _relayed(request: HookRequest, connection: Connection) -> Iterator[Delivery]:
    items = items_in(read_json(request.body, exact=True))
    read = [_read(item) for item in items]
    strangers = [one for one in read if isinstance(one, InvalidInput)]
    if strangers and len(strangers) == len(read):
        # Nothing in it is of Salesforce: its sender hears so. Else what can be read is not lost for its neighbours.
        raise strangers[0]
    for item, relayed in zip(items, read, strict=True):
        if isinstance(relayed, Relayed):
            yield from _of_item(relayed, connection, request)
        else:
            reason = relayed.stable_code if isinstance(relayed, InvalidInput) else str(relayed)
            yield made.unread(item, connection, reason)


def _read(item: Any) -> Relayed | InvalidInput | BadField:
    try:
        return read_item(item)
    except (InvalidInput, BadField) as error:
        return error


def _of_item(relayed: Relayed, connection: Connection, request: HookRequest) -> Iterator[Delivery]:
    of = made.of_platform_event if relayed.header is None else made.of_change
    yield from of(relayed, connection, request.received_at)


def _is_xml(request: HookRequest) -> bool:
    return request.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
