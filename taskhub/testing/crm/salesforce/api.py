"""The routes of the fake Salesforce: log-in, REST, and the one call that is SOAP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from taskhub.testing.clock import SetClock
from taskhub.testing.crm.faults import EXPIRED, LIMITED, Faults
from taskhub.testing.crm.gate import Gate
from taskhub.testing.crm.salesforce import bearer, query, records, soap
from taskhub.testing.crm.salesforce.answers import LIMITS, failed
from taskhub.testing.crm.salesforce.sending import OutboundMessages, Relay
from taskhub.testing.crm.salesforce.state import State
from taskhub.testing.crm.sender import Answer, Post

CLIENT = ("fake-consumer-key", "fake-consumer-secret")
Handler = Callable[[Request], Awaitable[Response]]
PAGE = 2000


class FakeSalesforce:
    """An ASGI app. ``messages`` and ``relay`` send when you let them run.

    ``public_key`` (PEM) is that of the app's certificate: without one nobody logs in with a key of their own.
    ``audience`` is what assertions must be for; None: the address under which they come in.
    """

    def __init__(self, clock: SetClock | None = None, post: Post | None = None) -> None:
        self.clock = clock or SetClock()
        self.faults = Faults()
        self.state = State(self.clock)
        post = post or (lambda _: Answer(200, soap.ACK))
        self.messages = OutboundMessages(self.state, self.faults, post)
        self.relay = Relay(self.state, self.faults, post)
        self.sessions: set[str] = set()
        self.public_key: str | None = None
        self.audience: str | None = None
        self.cursors: dict[str, list[dict[str, Any]]] = {}
        self.gate = Gate(Starlette(routes=self._routes()), self.faults, self.clock, self._refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.gate(scope, receive, send)

    def _routes(self) -> list[Any]:
        data = [
            Route("/query", self._open(self._query)),
            Route("/queryAll", self._open(self._query)),
            Route("/query/{cursor}", self._open(self._more)),
            Route("/sobjects/{entity}", self._open(records.made), methods=["POST"]),
            Route("/sobjects/{entity}/deleted/", self._open(records.deleted)),
            Route("/sobjects/{entity}/updated/", self._open(records.updated)),
            Route("/sobjects/{entity}/describe", self._open(records.described)),
            Route("/sobjects/{entity}/{id}", self._open(records.one)),
            Route("/sobjects/{entity}/{id}", self._open(records.changed), methods=["PATCH"]),
            Route("/sobjects/{entity}/{field}/{key}", self._open(records.upserted), methods=["PATCH"]),
        ]
        return [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/oauth2/userinfo", self._open(self._me)),
            Route("/services/Soap/u/{version}", self._soap, methods=["POST"]),
            Mount("/services/data/{version}", routes=data),
        ]

    def _open(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
                return failed(401, "INVALID_SESSION_ID", "Session expired or invalid")
            request.state.fake = self
            return await handler(request)

        return checked

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        base = str(request.base_url).rstrip("/")
        refused = self._refused(form, base)
        if refused:
            return JSONResponse({"error": refused[0], "error_description": refused[1]}, 400)
        self.state.count += 1
        session = f"{self.state.organization[:15]}!fake-session-{self.state.count}"
        self.sessions.add(session)
        identity = f"{base}/id/{self.state.organization}/{self.state.robot}"
        return JSONResponse({"access_token": session, "instance_url": base, "id": identity, "token_type": "Bearer"})

    def _refused(self, form: dict[str, str], base: str) -> tuple[str, str] | None:
        """Error and description, or None."""
        if form.get("grant_type") == bearer.GRANT and self.public_key:
            app = bearer.App(CLIENT[0], self.public_key, self.audience or base)
            known = form.keys() == {"grant_type", "assertion"}
            return bearer.refusal(form["assertion"], app, self.clock.now) if known else bearer.BAD
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
        return None if form == wanted else ("invalid_client", "invalid client credentials")

    async def _me(self, request: Request) -> Response:
        state = self.state
        who = {"user_id": state.robot, "organization_id": state.organization, "name": "taskhub"}
        return JSONResponse({**who, "preferred_username": bearer.USERNAME}, headers=LIMITS)

    async def _query(self, request: Request) -> Response:
        try:
            rows = query.run(self.state, request.query_params["q"], binned=request.url.path.endswith("/queryAll"))
        except query.BadQuery as error:
            return failed(400, *error.args)
        return self._page(rows, len(rows), request.path_params["version"])

    async def _more(self, request: Request) -> Response:
        rows = self.cursors.get(request.path_params["cursor"])
        if rows is None:
            return failed(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(rows, len(rows), request.path_params["version"])

    def _page(self, rows: list[dict[str, Any]], total: int, version: str) -> Response:
        body: dict[str, Any] = {"totalSize": total, "done": len(rows) <= PAGE, "records": rows[:PAGE]}
        if not body["done"]:
            self.state.count += 1
            cursor = f"01g{self.state.count}"
            self.cursors[cursor] = rows[PAGE:]
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{cursor}"
        return JSONResponse(body, headers=LIMITS)

    async def _soap(self, request: Request) -> Response:
        return soap.convert_lead(self.state, await request.body(), self.sessions)

    def _refuse(self, kind: str) -> Response:
        if kind == LIMITED:
            return failed(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if kind == EXPIRED:
            self.sessions.clear()
            return failed(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return failed(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred")
