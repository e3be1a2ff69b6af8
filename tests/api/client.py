"""A client without sockets: requests go straight into the app, on an event loop of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI


class Client:
    """`get`, `post` … of httpx, as plain calls; `key` is the API key that is sent unless a call says otherwise."""

    def __init__(self, app: FastAPI, portal: BlockingPortal, key: str | None = None) -> None:
        self.app = app
        self.portal = portal
        self.key = key

    def as_(self, key: str | None) -> Client:
        """The same app, called by somebody else."""
        return Client(self.app, self.portal, key)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        options["headers"] = {**headers, **options.get("headers", {})}
        return self.portal.call(self._send, method, path, options)

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://taskhub.test") as client:
            return await client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, **({"json": json} if json is not None else {}), **options)

    def put(self, path: str, json: Any) -> httpx.Response:
        return self.request("PUT", path, json=json)

    def patch(self, path: str, json: Any) -> httpx.Response:
        return self.request("PATCH", path, json=json)

    def delete(self, path: str) -> httpx.Response:
        return self.request("DELETE", path)

    def ok(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """The body of an answer that must be 2xx."""
        answer = self.request(method, path, **({"json": json} if json is not None else {}), **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()


@contextmanager
def running(app: FastAPI) -> Iterator[Client]:
    """A client of the app, started and stopped as a server would."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield Client(app, portal)


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and stable code of a problem, which must be a whole one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].endswith(body["code"])
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]
