"""The routes of the fake Pipedrive, under ``/api/v1`` (also ``/v1``) and ``/api/v2``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from taskhub.testing.clock import SetClock
from taskhub.testing.crm.faults import EXPIRED, LIMITED, Faults
from taskhub.testing.crm.gate import Gate
from taskhub.testing.crm.pipedrive import conversion, lists, subscriptions
from taskhub.testing.crm.pipedrive.answers import basic, failed, fine
from taskhub.testing.crm.pipedrive.sending import Webhooks
from taskhub.testing.crm.pipedrive.state import BLANK, State
from taskhub.testing.crm.sender import Answer, Post

TOKEN = "fake-api-token"
CLIENT = ("fake-client", "fake-client-secret")
REFRESH = "fake-refresh-token"
PLURALS = {"deal": "deals", "activity": "activities", "person": "persons", "organization": "organizations"}
# What an activity names has to be there.
LINKED = {"deal_id": "deal", "lead_id": "lead"}
Handler = Callable[[Request], Awaitable[Response]]


class FakePipedrive:
    """An ASGI app. ``faults`` and ``clock`` are yours; ``webhooks.sender`` sends when you let it run."""

    def __init__(self, clock: SetClock | None = None, post: Post | None = None) -> None:
        self.clock = clock or SetClock()
        self.faults = Faults()
        self.state = State(self.clock)
        self.webhooks = Webhooks(self.state, self.faults, post or (lambda _: Answer(200)))
        self.bearers: set[str] = set()
        self.reachable = True
        self.gate = Gate(Starlette(routes=self._routes()), self.faults, self.clock, self._refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.gate(scope, receive, send)

    def _routes(self) -> list[Any]:
        one = [
            Route("/users/me", self._open(self._me)),
            Route("/users", self._open(_named("users"))),
            Route("/webhooks", self._open(subscriptions.listed)),
            Route("/webhooks", self._open(subscriptions.made), methods=["POST"]),
            Route("/webhooks/{id:int}", self._open(subscriptions.deleted), methods=["DELETE"]),
            Route("/leads", self._open(lists.leads)),
            Route("/leads/{id}", self._open(_one("lead"))),
            Route("/leads/{id}", self._open(_changed("lead")), methods=["PATCH"]),
            *(Route(f"/{name}", self._open(lists.fields(name))) for name in self.state.fields),
            Route("/notes", self._open(_noted), methods=["POST"]),
        ]
        two = [
            Route("/stages", self._open(_named("stages"))),
            Route("/pipelines", self._open(_named("pipelines"))),
            Route("/leads/{id}/convert/deal", self._open(conversion.asked), methods=["POST"]),
            Route("/leads/{id}/convert/status/{job}", self._open(conversion.status)),
            Route("/deals/{id}/convert/lead", self._open(conversion.asked_back), methods=["POST"]),
            Route("/deals/{id}/convert/status/{job}", self._open(conversion.status_back)),
            *(route for name, plural in PLURALS.items() for route in (
                Route(f"/{plural}", self._open(lists.changed_since(name))),
                Route(f"/{plural}", self._open(_added(name)), methods=["POST"]),
                Route(f"/{plural}/{{id}}", self._open(_one(name))),
                Route(f"/{plural}/{{id}}", self._open(_changed(name)), methods=["PATCH"]),
            )),
        ]  # fmt: skip
        token = Route("/oauth/token", self._token, methods=["POST"])
        return [token, Mount("/api/v1", routes=one), Mount("/v1", routes=one), Mount("/api/v2", routes=two)]

    def _open(self, handler: Handler) -> Handler:
        """``handler`` behind the check of the key."""

        async def checked(request: Request) -> Response:
            bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
            if request.headers.get("x-api-token") != TOKEN and bearer not in self.bearers:
                return failed(401, "unauthorized access")
            request.state.fake = self
            return await handler(request)

        return checked

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if request.headers.get("authorization") != basic(CLIENT) or form.get("refresh_token") != REFRESH:
            return JSONResponse({"success": False, "error": "invalid_grant"}, 400)
        bearer = f"fake-bearer-{self.state.number()}"
        self.bearers.add(bearer)
        body = {"access_token": bearer, "token_type": "Bearer", "refresh_token": REFRESH, "expires_in": 3599}
        return JSONResponse({**body, "scope": "deals:full", "api_domain": str(request.base_url).rstrip("/")})

    async def _me(self, request: Request) -> Response:
        state = self.state
        company = {"company_id": state.company, "company_name": "Fake", "company_domain": "fake"}
        return fine({"id": state.robot, "name": "taskhub", "email": "taskhub@example.com", **company})

    def _refuse(self, kind: str) -> Response:
        if kind == LIMITED:
            headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
            return JSONResponse({"success": False, "error": "Rate limit exceeded"}, 429, headers)
        if kind == EXPIRED:
            self.bearers.clear()
            return failed(401, "unauthorized access")
        return HTMLResponse("<html>Internal error</html>", 500)


def _named(what: str) -> Handler:
    async def handler(request: Request) -> Response:
        return fine([{"id": id, "name": name} for id, name in request.state.fake.state.names[what].items()])

    return handler


def _one(entity: str) -> Handler:
    async def handler(request: Request) -> Response:
        found = request.state.fake.state.records[entity].get(request.path_params["id"])
        return fine(found) if found else failed(404, f"{entity.capitalize()} not found")

    return handler


def _added(entity: str) -> Handler:
    async def handler(request: Request) -> Response:
        body = await request.json()
        if unknown := sorted(body.keys() - BLANK[entity].keys() - {"note", "priority", "participants"}):
            return failed(400, f"Validation failed: {', '.join(unknown)} is not allowed")
        state = request.state.fake.state
        for name, of in LINKED.items():
            if entity == "activity" and body.get(name) and str(body[name]) not in state.records[of]:
                return failed(400, f"Validation failed: {name}: {of} not found")
        return fine(state.add(entity, body), 201)

    return handler


def _changed(entity: str) -> Handler:
    async def handler(request: Request) -> Response:
        body, state = await request.json(), request.state.fake.state
        if "lost_reason" in body and body.get("status") != "lost":
            return failed(400, "Validation failed: lost_reason only with status lost")
        try:
            return fine(state.change(entity, request.path_params["id"], body))
        except KeyError:
            return failed(404, f"{entity.capitalize()} not found")

    return handler


async def _noted(request: Request) -> Response:
    body, state = await request.json(), request.state.fake.state
    if not body.get("content") or not {"lead_id", "deal_id", "person_id", "org_id"} & body.keys():
        return failed(400, "content and one of lead_id, deal_id, person_id, org_id are required")
    state.notes.append({"id": state.number(), **body})
    return fine(state.notes[-1], 201)
