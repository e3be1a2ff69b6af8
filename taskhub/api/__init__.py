"""The HTTP API: one router file per noun. Routes read, ask ``can``, call one service and show the result."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from taskhub.api import (
    acts,
    agents,
    calendars,
    events,
    health,
    hooks,
    live,
    queues,
    records,
    task_acts,
    tasks,
    teams,
)
from taskhub.http.app import create_app
from taskhub.http.state import AppState

PREFIX = "/api/v1"
NOUNS = (events, tasks, task_acts, teams, agents, queues, calendars, acts, live, records)
UNPREFIXED = (hooks, health)


def routers() -> Sequence[APIRouter]:
    """Every router, prefixed as the contract says."""
    root = APIRouter()
    for noun in NOUNS:
        root.include_router(noun.routes, prefix=PREFIX)
    for part in UNPREFIXED:
        root.include_router(part.routes)
    return (root,)


def api(state: AppState) -> FastAPI:
    """The API alone, as the ``api`` process serves it."""
    return create_app(state, routers())
