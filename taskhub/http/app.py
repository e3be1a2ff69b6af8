"""The app: routers, problems, guards, and a thread for every database connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from taskhub import __version__
from taskhub.db.database import VITAL
from taskhub.http import listing, problems
from taskhub.http.body import BodyGuard
from taskhub.http.headers import SecurityHeaders
from taskhub.http.state import AppState
from taskhub.http.watch import Watch


def create_app(state: AppState, routers: Sequence[APIRouter]) -> FastAPI:
    """An app over ``state`` that serves ``routers``; earlier ones match first, and fastest."""
    app = FastAPI(
        title="taskhub", version=__version__, lifespan=_lifespan, redirect_slashes=False, docs_url=None, redoc_url=None
    )  # fmt: skip
    app.state.taskhub = state
    for router in routers:
        app.router.routes.extend(router.routes)
    app.add_route("/docs", _docs, include_in_schema=False)
    problems.install(app)
    app.add_middleware(BodyGuard, within=state.body_within)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(state.allowed_hosts), www_redirect=False)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Watch, tally=state.database.tally)
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


def _docs(request: Request) -> Response:
    app: FastAPI = request.app
    drawn: str | None = getattr(app.state, "docs", None)
    if drawn is None:
        drawn = app.state.docs = listing.page(app.openapi())
    return HTMLResponse(drawn, headers={"content-security-policy": listing.POLICY})


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: AppState = app.state.taskhub
    # More threads than connections would only queue for connections, and time out there. Looks leave acts a few.
    pool = state.database.pool
    anyio.to_thread.current_default_thread_limiter().total_tokens = pool
    state.lanes = {"vital": CapacityLimiter(VITAL), "looks": CapacityLimiter(max(1, pool - max(1, pool // 4)))}
    yield
    state.stopping.set()


def _schema(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer", "description": "An API key, th_live_…"}
        app.openapi_schema = schema
    return app.openapi_schema
