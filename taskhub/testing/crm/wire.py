"""Two ways to reach a fake: inside this process, with its own time; or over a real socket on loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from taskhub.testing.crm.gate import PATIENCE, CutOff, TooLate


class InProcess(httpx.BaseTransport):
    """A transport for ``httpx.Client``: breaks and lateness come as httpx raises them on a real wire."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return asyncio.run(self._ask(request))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        came: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.content, "more_body": False}

        async def send(message: Any) -> None:
            came.append(message)

        try:
            await self._app(_scope(request), receive, send)
        except CutOff:
            raise httpx.RemoteProtocolError("peer closed connection", request=request) from None
        except TooLate:
            raise httpx.ReadTimeout("timed out", request=request) from None
        body = b"".join(message.get("body", b"") for message in came[1:])
        return httpx.Response(came[0]["status"], headers=came[0]["headers"], content=body, request=request)


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": request.method, "scheme": request.url.scheme,
        "path": request.url.path, "raw_path": request.url.raw_path, "query_string": request.url.query, "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port or 443), "client": ("127.0.0.1", 1),
        PATIENCE: (request.extensions.get("timeout") or {}).get("read") or float("inf"),
    }  # fmt: skip


class _Quiet(logging.Filter):
    """Broken connections are what is wanted: no traceback of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], CutOff))


@contextmanager
def served(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address of ``app`` on a socket of its own, while the block runs."""
    with socket.create_server((host, port)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", date_header=False, timeout_graceful_shutdown=1)
        )
        quiet, log = _Quiet(), logging.getLogger("uvicorn.error")
        log.addFilter(quiet)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            # Connections wait in the listener's queue until the server takes them: no need to wait for its start.
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            log.removeFilter(quiet)
