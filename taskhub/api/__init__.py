"""The HTTP API: one router file per noun. Routes read, ask ``can``, call one service and show the result."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from taskhub.api import (
    acts,
    agents,
    calendars,
    duplicates,
    escalations,
    events,
    exports,
    files,
    health,
    hooks,
    imports,
    keys,
    leaving,
    lending,
    live,
    merges,
    messages,
    metrics,
    notes,
    notices,
    persons,
    progress,
    questions,
    queues,
    records,
    sales_acts,
    search,
    shadow,
    staffing,
    stopping,
    task_acts,
    tasks,
    teams,
)
from taskhub.http.app import create_app
from taskhub.http.state import AppState

# In the order of how often they are called.
NOUNS = (
    tasks,
    task_acts,
    events,
    hooks,
    agents,
    leaving,
    queues,
    shadow,
    staffing,
    stopping,
    lending,
    teams,
    keys,
    acts,
    live,
    records,
    sales_acts,
    files,
    notes,
    questions,
    search,
    progress,
    duplicates,
    merges,
    imports,
    exports,
    metrics,
    persons,
    notices,
    escalations,
    calendars,
    messages,
    health,
)


def routers() -> Sequence[APIRouter]:
    """Every router of the API."""
    return [noun.routes for noun in NOUNS]


def api(state: AppState) -> FastAPI:
    """The API alone, as the ``api`` process serves it."""
    return create_app(state, routers())
