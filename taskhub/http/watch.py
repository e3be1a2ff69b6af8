"""The outermost guard of a request: its id, its line in the log, its place in the metrics. Pure ASGI.

A caller's ``X-Request-Id`` is kept when it has a plain form, else the trace of its ``traceparent``, else one is made;
it goes back in the answer and into every line of the log that the request causes here.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhub.ids import new_id
from taskhub.logs import about
from taskhub.tally import OTHER, Tally

HEADER = "x-request-id"
SCOPE_KEY = "taskhub.request"
NO_ROUTE = "none"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})

_PLAIN = re.compile(rb"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)
_TRACE = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_NAME, _TRACE_NAME = HEADER.encode(), b"traceparent"

log = logging.getLogger("taskhub.request")


class Watch:
    """Counts and times every request by route, method and status. An address that fits no route is never a label."""

    def __init__(self, app: ASGIApp, tally: Tally) -> None:
        self.app = app
        self.tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        facts = _named(scope["headers"])
        scope[SCOPE_KEY] = facts
        answer = (_NAME, facts["request"].encode())
        status = 500  # what leaves when nothing here could answer

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append(answer)
            await send(message)

        try:
            await self.app(scope, receive, with_id)
        finally:
            self._told(scope, status, time.perf_counter() - begun)

    def _told(self, scope: Scope, status: int, took: float) -> None:
        route, method = _route(scope), _method(scope)
        self.tally.count(("taskhub_http_requests_total", method, route, str(status)))
        if route != "/api/v1/live":  # a stream lasts as long as somebody listens
            self.tally.observe(("taskhub_http_request_seconds", method, route), took)
        level = logging.INFO if status >= 400 else logging.DEBUG
        if log.isEnabledFor(level):
            facts = about(**scope[SCOPE_KEY], status=status, ms=round(took * 1000, 1))
            log.log(level, "%s %s", method, route, extra=facts)


def facts_of(request: Request) -> dict[str, Any]:
    """What the log says of work done for ``request``."""
    known = request.scope.get(SCOPE_KEY) or {}
    return {**known, "route": f"{_method(request.scope)} {_route(request.scope)}"}


def id_of(request: Request) -> str | None:
    """The id of ``request``; None outside the guard."""
    known = request.scope.get(SCOPE_KEY)
    return known["request"] if known else None


def _named(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    given = trace = None
    for name, value in headers:
        if name == _NAME and _PLAIN.fullmatch(value):
            given = value.decode()
        elif name == _TRACE_NAME and (found := _TRACE.fullmatch(value)):
            trace = found[1].decode()
    facts = {"request": given or trace or new_id()}
    if trace is not None:
        facts["trace"] = trace
    return facts


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", NO_ROUTE)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else OTHER
