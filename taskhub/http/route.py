"""The route class: strict JSON, authentication told before faults of the body, permission shown in the OpenAPI page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from taskhub.errors import InvalidInput
from taskhub.http.body import body_of
from taskhub.http.edge import OPEN, Edge, authenticate
from taskhub.http.inputs import json_of
from taskhub.policy.reading.nearest import nearest

PERMISSION = "x-permission"
PROBLEM = {"description": "What is wrong and what to do next (application/problem+json)."}
_ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys((401, 403, 404, 409, 422, 503), PROBLEM)

Handler = Callable[[Request], Awaitable[Response]]


class Route(APIRoute):
    """One route. Its endpoint was made by ``taskhub.http.edge``, which says who may call it."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        edge: Edge | None = getattr(endpoint, "edge", None)
        if edge is not None:
            extra = {PERMISSION: edge.permission, **({} if edge.permission == OPEN else {"security": [{"key": []}]})}
            options["openapi_extra"] = {**extra, **(options.get("openapi_extra") or {})}
            options["responses"] = {**_ERRORS, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Any:
        inner = cast("Handler", super().get_route_handler())
        edge: Edge | None = getattr(self.endpoint, "edge", None)

        known = None if edge is not None and edge.any_query else frozenset(_names(self))

        async def handle(request: Request) -> Response:
            async with _caller_first(request, edge, InvalidInput):
                if known is not None and request.scope["query_string"]:
                    _refuse_unknown(request, known)
                if self.body_field is not None:
                    # Starlette would parse loosely; what it finds here it does not parse again.
                    request._json = json_of(request, body_of(request))  # noqa: SLF001
            async with _caller_first(request, edge, RequestValidationError):
                return await inner(request)

        return handle


def _names(route: APIRoute) -> Iterator[str]:
    """The query parameters a route reads; those of a model by its fields."""
    for param in route.dependant.query_params:
        model = param.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (found.alias or name for name, found in model.model_fields.items())
        else:
            yield param.alias


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """A misspelt filter would be answered with everything: it is refused instead."""
    wrong = [name for name in request.query_params if name not in known]
    if wrong:
        near = {name: nearest(name, known) for name in wrong}
        said = "is no parameter of this call"
        told = [
            (name, f"{said}; did you mean {near[name]}?" if near[name] else _all(said, known)) for name in wrong[:20]
        ]
        errors = [{"path": f"query.{name[:100]}", "message": message} for name, message in told]
        raise InvalidInput("; ".join(f"{name[:100]!r} {message}" for name, message in told[:5]), errors=errors)


def _all(said: str, known: frozenset[str]) -> str:
    return f"{said}; it takes {', '.join(sorted(known))}" if known else f"{said}; it takes none"


@asynccontextmanager
async def _caller_first(request: Request, edge: Edge | None, fault: type[Exception]) -> AsyncIterator[None]:
    """Strangers are told that they are strangers, before anything about what they sent."""
    try:
        yield
    except fault:
        if edge is not None and edge.permission != OPEN:
            await run_in_threadpool(authenticate, request, edge)
        raise


def router(tag: str, prefix: str = "/api/v1") -> APIRouter:
    """A router whose routes are of this class."""
    return APIRouter(tags=[tag], route_class=Route, prefix=prefix)
