"""Calls as clients make them: through the edge of HTTP, with a key, a body and an Idempotency-Key, but no socket."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
from starlette.requests import Request

from taskhub.api import acts, agents, lending, staffing, task_acts, tasks
from taskhub.db.database import Database
from taskhub.db.tx import Tx
from taskhub.errors import TaskhubError
from taskhub.events import service as events
from taskhub.events.cloudevents import read_structured
from taskhub.http import edge
from taskhub.http.body import SCOPE_KEY
from taskhub.http.edge import Edge, Reply
from taskhub.http.state import AppState
from tests.simulation.house import key_of

ROUTERS = (tasks, task_acts, agents, lending, staffing, acts)
ROUTES = {route.endpoint.__name__: route for room in ROUTERS for route in room.routes.routes}
BODIES = {
    name: found.annotation
    for name, route in ROUTES.items()
    if (found := inspect.signature(route.endpoint).parameters.get("body")) is not None
}
NO_ROUTE = SimpleNamespace(path="/api/v1/events", status_code=202)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it may be sent again: ``key`` is its Idempotency-Key, ``path`` fills the route's parameters."""

    who: str
    name: str
    path: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    key: str | None = None

    @property
    def json(self) -> Any:
        """What the body says."""
        return orjson.loads(self.body or b"{}")


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` is None where the call was accepted; ``replayed`` where it was answered as the first time."""

    body: bytes
    code: str | None = None
    replayed: bool = False

    @property
    def json(self) -> Any:
        """What the answer says."""
        return orjson.loads(self.body)


def call(who: str, name: str, body: Any = None, key: str | None = None, **path: str) -> Call:
    """A request of ``who`` to the route of that name."""
    return Call(who, name, tuple(sorted(path.items())), orjson.dumps(body) if body is not None else b"", key)


def _inner(endpoint: Any) -> Any:
    """The endpoint without the threads it is given: here there is one."""
    return endpoint.__wrapped__ if inspect.iscoroutinefunction(endpoint) else endpoint


class Desk:
    """The edge over one database."""

    def __init__(self, db: Database) -> None:
        self._app = SimpleNamespace(state=SimpleNamespace(taskhub=AppState(db)))

    def send(self, one: Call) -> Answer:
        """Runs the call to its end. What is refused is an answer; what goes wrong inside comes out here."""
        route = ROUTES.get(one.name, NO_ROUTE)
        request = self._request(one, route)
        try:
            if one.name == "post_events":
                response = edge.run(request, Edge("event.ingest"), lambda tx: self._ingest(tx, one))
            else:
                given: dict[str, Any] = dict(one.path)
                if one.name in BODIES and one.body:
                    given["body"] = BODIES[one.name].model_validate_json(one.body)
                response = _inner(route.endpoint)(request, **given)
        except TaskhubError as error:
            return Answer(orjson.dumps({"code": error.stable_code, "detail": error.message}), error.stable_code)
        return Answer(bytes(response.body), replayed="idempotency-replayed" in response.headers)

    def _ingest(self, tx: Tx, one: Call) -> Reply:
        deliveries = [read_structured(each, tx.real_now) for each in one.json]
        receipts = events.ingest(tx, deliveries, one.body, {}, "application/cloudevents-batch+json")
        return Reply({"events": [{name: getattr(one, name) for name in one.__slots__} for one in receipts]})

    def _request(self, one: Call, route: Any) -> Request:
        headers = [(b"authorization", f"Bearer {key_of(one.who)}".encode()), (b"content-type", b"application/json")]
        if one.key is not None:
            headers.append((b"idempotency-key", one.key.encode()))
        path = route.path
        for name, value in one.path:
            path = path.replace("{" + name + "}", value)
        method = next(iter(getattr(route, "methods", None) or {"POST"}))
        return Request(
            {
                "type": "http", "method": method, "path": path, "query_string": b"", "headers": headers,
                "app": self._app, "route": route, SCOPE_KEY: one.body,
            }
        )  # fmt: skip
