"""``/events``: facts from outside come in once; what became of them can be read, and replayed if need be."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from taskhub.access import service as access
from taskhub.api import normalise, shown
from taskhub.clock import real_now
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.events import service as events
from taskhub.events.cloudevents import read_cloudevents
from taskhub.events.inbox import Receipt
from taskhub.events.model import Delivery
from taskhub.http import paging
from taskhub.http.body import body_of
from taskhub.http.edge import OPEN, Edge, Reply, act, authenticate, declared, look, run
from taskhub.http.inputs import Id
from taskhub.http.paging import Cursor, Limit
from taskhub.http.route import router
from taskhub.http.state import state_of
from taskhub.tasks import service as tasks

routes = router("events")
INGEST = Edge("event.ingest")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": {"type": "object"}},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
State = Literal["received", "applied", "ignored", "quarantined"]


@routes.post("/events", status_code=202, openapi_extra=_BODY)
@declared(INGEST.permission)
def post_events(request: Request) -> Response:
    """CloudEvents 1.0: structured, binary or batch. A batch is accepted or refused as a whole."""
    access.identify(request.headers.get("authorization"))
    headers = {name.lower(): value for name, value in request.headers.items()}
    raw = body_of(request)
    try:
        deliveries = read_cloudevents(headers, raw, real_now())
    except InvalidInput:
        authenticate(request, INGEST)
        raise
    return run(request, INGEST, lambda tx: _stored(tx, request, deliveries, raw, headers))


@routes.options("/events")
@declared(OPEN)
def handshake(request: Request) -> Response:
    """The CloudEvents webhook handshake: the sender asks whether it may deliver here."""
    origin = request.headers.get("webhook-request-origin")
    allowed = {"webhook-allowed-origin": origin, "webhook-allowed-rate": "6000"} if origin else {}
    return Response(b"", 200, {"allow": "POST, OPTIONS", **allowed})


@routes.get("/events")
@look("event.read")
def list_events(
    tx: Tx, state: Annotated[State | None, Query()] = None, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Events, newest first."""
    wanted = {"state": state} if state else {}
    rows, following = events.find(tx, wanted, paging.instant_after(cursor), limit)
    return paging.page(list(map(shown.event_line, rows)), paging.encode(*following) if following else None)


@routes.get("/events/{event_id}")
@look("event.read")
def get_event(tx: Tx, event_id: Id) -> dict[str, Any]:
    """What became of an event: its state, the reason, the tasks it made."""
    return shown.event(events.load(tx, event_id), tasks.of_event(tx, event_id))


@routes.post("/events/{event_id}/replay")
@act("event.replay")
def replay(tx: Tx, request: Request, event_id: Id) -> dict[str, Any]:
    """Reads a quarantined event again under today's maps."""
    again = events.replay(tx, event_id, lambda stored, raw: normalise.again(tx, state_of(request), stored, raw))
    return shown.event(again, tasks.of_event(tx, event_id))


def _stored(tx: Tx, request: Request, read: list[Delivery], raw: bytes, headers: dict[str, str]) -> Reply:
    deliveries = [_timed(one, tx) for one in read]
    state_of(request).intake.admit(tx, deliveries)
    receipts = events.ingest(tx, deliveries, raw, headers, headers.get("content-type", ""))
    return Reply({"events": list(map(_receipt, receipts))}, 202)


def _timed(one: Delivery, tx: Tx) -> Delivery:
    """An event without a time happened when it came in, by taskhub's clock."""
    if one.occurred_at is not None or one.event is None:
        return one
    return replace(one, event=replace(one.event, occurred_at=tx.now))


def _receipt(receipt: Receipt) -> dict[str, str]:
    return {name: getattr(receipt, name) for name in Receipt.__slots__}
