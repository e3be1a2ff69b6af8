"""The body guard: reads a request's body within a size and a time, before anything else looks at it."""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskhub.errors import InvalidInput, TaskhubError
from taskhub.http import problems

LIMIT = 256 * 1024
BULK_LIMIT = 5 * 1024 * 1024
BULK_PATHS = ("/api/v1/events", "/hooks/")
FILE_LIMIT = 8 * 1024 * 1024
FILE_PATHS = ("/api/v1/imports", "/api/v1/imports/proposal")
SCOPE_KEY = "taskhub.body"


class BodyGuard:
    """Pure ASGI. Refuses too much, too slow, compressed and unreadable addresses; keeps the bytes in the scope."""

    def __init__(self, app: ASGIApp, within: float) -> None:
        self.app = app
        self.within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await self._body(scope, receive)
        except TaskhubError as error:
            response = problems.of_error(error)
            response.headers["connection"] = "close"
            await response(scope, receive, send)
            return
        scope[SCOPE_KEY] = body
        await self.app(scope, _replay(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        _check_address(scope)
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return b""
        limit = _limit(scope["path"])
        declared = _check_headers(headers, limit)
        try:
            async with asyncio.timeout(self.within):
                body = await _read(receive, limit)
        except TimeoutError:
            raise InvalidInput("The body came too slowly. Send it again.", code="slow_body") from None
        if declared is not None and len(body) != declared:
            raise InvalidInput("The body has another length than its Content-Length says.", code="incomplete_body")
        return body


def body_of(request: Request) -> bytes:
    """The whole body, as the guard read it."""
    return cast("bytes", request.scope.get(SCOPE_KEY, b""))


def _limit(path: str) -> int:
    if path in FILE_PATHS:
        return FILE_LIMIT
    return BULK_LIMIT if path.startswith(BULK_PATHS) else LIMIT


def _check_address(scope: Scope) -> None:
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise InvalidInput("The address holds a null character.", code="bad_text")


def _check_headers(headers: Headers, limit: int) -> int | None:
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise InvalidInput("Send the body uncompressed.", code="unsupported_encoding")
    declared = headers.get("content-length")
    if declared is None:
        return None
    if not declared.isascii() or not declared.isdigit():
        raise InvalidInput("Content-Length is not a number.", code="incomplete_body")
    if len(declared) > 12 or int(declared) > limit:
        raise _too_large(limit)
    return int(declared)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput(f"The body is larger than {limit} bytes. Send less at a time.", code="too_large", limit=limit)


async def _read(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise InvalidInput("The connection ended before the body did.", code="incomplete_body")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
