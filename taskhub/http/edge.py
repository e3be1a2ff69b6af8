"""The edge of a call: who asks, one transaction, the act, the reply, commit; then the answer leaves.

All of it happens in one turn of one worker thread. A dependency that yields would cost two more turns a call, could
not be run again after a deadlock, and lets the answer pass before the commit unless its scope is set with care.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response

from taskhub.access import service as access
from taskhub.access.permissions import Caller
from taskhub.db.interruption import Interrupted
from taskhub.db.tx import By, Tx
from taskhub.failpoints import failpoint
from taskhub.http import once
from taskhub.http.state import state_of
from taskhub.http.watch import facts_of

TRIES = 3
JSON = "application/json"
OPEN = "open to all"  # the permission of routes that anybody may call
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class Reply:
    """What an act answers. ``kept`` False: nothing was done, so an Idempotency-Key may be tried again."""

    body: Any
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """How a route is entered: its permission, the act it is in history, whether it writes.

    ``secret``: its reply is shown once and never stored. ``vital``: it keeps work alive and never queues behind others.
    ``any_query``: others make its address, and may hang parameters of their own on it.
    ``looks``: under an Idempotency-Key it looks for its first run itself, behind the lock at which its twin waits.
    """

    permission: str
    act: str | None = None
    write: bool = True
    secret: bool = False
    vital: bool = False
    looks: bool = False
    any_query: bool = False


def json_bytes(value: Any) -> bytes:
    """``value`` as JSON; instants as RFC 3339 in UTC."""
    return orjson.dumps(value, option=_OPTIONS)


def act(
    permission: str, name: str | None = None, *, secret: bool = False, vital: bool = False, looks: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Makes ``function(tx, …)`` an endpoint that writes; ``name`` is the act in history (default: the permission)."""
    return _endpoint(Edge(permission, name or permission, secret=secret, vital=vital, looks=looks))


def look(permission: str) -> Callable[[Callable[..., Any]], Any]:
    """Makes ``function(tx, …)`` an endpoint that only reads."""
    return _endpoint(Edge(permission, write=False))


def declared(permission: str, *, any_query: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Marks an endpoint that opens its own transactions with the permission it checks (or OPEN)."""

    def mark(function: Any) -> Any:
        function.edge = Edge(permission, any_query=any_query)
        return function

    return mark


def _endpoint(edge: Edge) -> Callable[[Callable[..., Any]], Any]:
    def wrap(function: Callable[..., Any]) -> Any:
        signature = inspect.signature(function, eval_str=True)
        wants_request = "request" in signature.parameters

        @functools.wraps(function)
        def endpoint(request: Request, **given: Any) -> Any:
            if wants_request:
                given["request"] = request
            return run(request, edge, lambda tx: function(tx, **given))

        if edge.vital:
            endpoint = _apart(endpoint)
        elif not edge.write:
            endpoint = _after_others(endpoint)

        own = [p for name, p in signature.parameters.items() if name not in ("tx", "request")]
        first = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
        endpoint.__signature__ = inspect.Signature([first, *own])  # type: ignore[attr-defined]
        endpoint.edge = edge  # type: ignore[attr-defined]
        return endpoint

    return wrap


def _apart(endpoint: Callable[..., Response]) -> Any:
    """In threads of its own, as many as it has connections of its own."""

    @functools.wraps(endpoint)
    async def elsewhere(request: Request, **given: Any) -> Response:
        apart = state_of(request).lanes["vital"]
        return await anyio.to_thread.run_sync(lambda: endpoint(request, **given), limiter=apart)

    return elsewhere


def _after_others(endpoint: Callable[..., Response]) -> Any:
    """Looks that pile up leave some threads, and the connections these need, to those who do something."""

    @functools.wraps(endpoint)
    async def some(request: Request, **given: Any) -> Response:
        async with state_of(request).lanes["looks"]:
            return await anyio.to_thread.run_sync(lambda: endpoint(request, **given))

    return some


def run(request: Request, edge: Edge, work: Callable[[Tx], Any]) -> Response:
    """One call: who asks, whether they may try, the act, the reply, commit; again when the database chose a victim."""
    key_id, identify = access.identify(request.headers.get("authorization"))
    database, facts = state_of(request).database, facts_of(request)
    how: dict[str, Any] = {"act": edge.act, "key_id": key_id, "write": edge.write, "vital": edge.vital, "about": facts}

    def attempt() -> Response:
        with database.begin(identify, **how) as tx:
            access.check(Caller(tx.by), edge.permission)
            failpoint("edge.admitted")
            if not edge.write:
                return _response(request, work(tx))[0]
            if edge.looks:
                return _looked(tx, request, work(tx))
            return once.answer(tx, request, lambda: _response(request, work(tx)), secret=edge.secret)

    response = _tried(attempt)
    failpoint("edge.committed")
    return response


def _tried(attempt: Callable[[], Response]) -> Response:
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except Interrupted as cut:
            if cut.lost:
                raise
    return attempt()


def _looked(tx: Tx, request: Request, value: Any) -> Response:
    response, kept = _response(request, value)
    if kept:
        once.keep(tx, request, response)
        failpoint("edge.kept")
    return response


def authenticate(request: Request, edge: Edge) -> By:
    """The caller. Raises what ``run`` would raise for one who may not even try."""
    key_id, identify = access.identify(request.headers.get("authorization"))
    with state_of(request).database.read(identify, key_id=key_id) as tx:
        access.check(Caller(tx.by), edge.permission)
        return tx.by


def _response(request: Request, value: Any) -> tuple[Response, bool]:
    if isinstance(value, Response):
        return value, True
    reply = value if isinstance(value, Reply) else Reply(value)
    status = reply.status or request.scope["route"].status_code or 200
    return Response(json_bytes(reply.body), status, reply.headers, JSON), reply.kept
