"""The routes of the fake Dataverse."""

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
from taskhub.testing.crm.dataverse import actions, registration, rows
from taskhub.testing.crm.dataverse.answers import failed
from taskhub.testing.crm.dataverse.sending import Steps
from taskhub.testing.crm.dataverse.state import State
from taskhub.testing.crm.faults import EXPIRED, LIMITED, Faults
from taskhub.testing.crm.gate import Gate
from taskhub.testing.crm.sender import Answer, Post

CLIENT = ("fake-client-id", "fake-client-secret")
TENANT = "00aa00aa-bb11-cc22-dd33-44ee44ee44ee"
Handler = Callable[[Request], Awaitable[Response]]


class FakeDataverse:
    """An ASGI app. ``steps.sender`` sends when you let it run."""

    def __init__(self, clock: SetClock | None = None, post: Post | None = None) -> None:
        self.clock = clock or SetClock()
        self.faults = Faults()
        self.state = State(self.clock)
        self.steps = Steps(self.state, self.faults, post or (lambda _: Answer(200)))
        self.bearers: set[str] = set()
        self.gate = Gate(Starlette(routes=self._routes()), self.faults, self.clock, self._refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.gate(scope, receive, send)

    def _routes(self) -> list[Any]:
        made, opened = registration, self._open
        data = [
            Route("/WhoAmI", opened(self._who)),
            Route("/EntityDefinitions(LogicalName='{table}')/Attributes", opened(rows.attributes)),
            Route("/sdkmessages", opened(made.messages)),
            Route("/sdkmessagefilters", opened(made.filters)),
            Route("/serviceendpoints", opened(made.endpoints)),
            Route("/serviceendpoints({id})", opened(made.endpoint_saved), methods=["PATCH"]),
            Route("/sdkmessageprocessingsteps", opened(made.steps)),
            Route("/sdkmessageprocessingsteps({id})", opened(made.step_saved), methods=["PATCH"]),
            Route("/sdkmessageprocessingstepimages", opened(made.images)),
            Route("/sdkmessageprocessingstepimages({id})", opened(made.image_saved), methods=["PATCH"]),
            Route("/leads({id})/Microsoft.Dynamics.CRM.QualifyLead", opened(actions.qualify), methods=["POST"]),
            Route("/WinOpportunity", opened(actions.close), methods=["POST"]),
            Route("/LoseOpportunity", opened(actions.close), methods=["POST"]),
            Route("/{plural}({id})", opened(rows.one)),
            Route("/{plural}({id})", opened(rows.upserted), methods=["PATCH"]),
            Route("/{plural}", opened(rows.listed)),
            Route("/{plural}", opened(rows.made), methods=["POST"]),
        ]
        token = Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"])
        return [token, Mount("/api/data/v9.2", routes=data)]

    def _open(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.bearers:
                return Response(status_code=401, headers={"www-authenticate": "Bearer"})
            request.state.fake = self
            return await handler(request)

        return checked

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        scope = form.pop("scope", "")
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
        if form != wanted or request.path_params["tenant"] != TENANT or not scope.endswith("/.default"):
            return JSONResponse({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401)
        self.state.count += 1
        bearer = f"fake-bearer-{self.state.count}"
        self.bearers.add(bearer)
        return JSONResponse({"token_type": "Bearer", "expires_in": 3599, "access_token": bearer})

    async def _who(self, request: Request) -> Response:
        state = self.state
        ids = {"BusinessUnitId": state.unit, "UserId": state.robot, "OrganizationId": state.organization}
        return JSONResponse({"@odata.context": "…#Microsoft.Dynamics.CRM.WhoAmIResponse", **ids})

    def _refuse(self, kind: str) -> Response:
        if kind == LIMITED:
            return failed(429, "0x80072322", "Number of requests exceeded the limit of 6000", {"retry-after": "37"})
        if kind == EXPIRED:
            self.bearers.clear()
            return Response(status_code=401, headers={"www-authenticate": "Bearer"})
        return failed(500, "0x80040216", "An unexpected error occurred.")
