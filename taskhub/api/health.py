"""``/healthz``, ``/readyz``, ``/metrics``: for whoever runs taskhub."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from taskhub import __version__
from taskhub.api import queries
from taskhub.errors import TaskhubError
from taskhub.http.edge import JSON, OPEN, declared, json_bytes
from taskhub.http.route import router
from taskhub.http.state import AppState, state_of

routes = router("health", prefix="")
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@routes.get("/healthz")
@declared(OPEN)
async def healthz(request: Request) -> Response:
    """The process is alive."""
    return Response(json_bytes({"status": "ok", "version": __version__}), media_type=JSON)


@routes.get("/readyz")
@declared(OPEN)
def readyz(request: Request) -> Response:
    """The process can serve: the database answers, and whatever else this process needs."""
    wrong = {name: said for name, said in _checked(state_of(request)) if said is not None}
    body = {"status": "ready" if not wrong else "not_ready", "problems": wrong}
    return Response(json_bytes(body), 503 if wrong else 200, media_type=JSON)


@routes.get("/metrics")
@declared(OPEN)
def metrics(request: Request) -> Response:
    """Counts for Prometheus. They name queues and states, never people."""
    state = state_of(request)
    with state.database.read() as tx:
        gauges = [*queries.gauges(tx), *state.intake.figures()]
    return Response("\n".join(_lines(gauges)) + "\n", media_type=TEXT)


def _checked(state: AppState) -> Iterable[tuple[str, str | None]]:
    yield "database", _database(state)
    yield "stopping", "the server is stopping" if state.stopping.is_set() else None
    for name, check in state.checks.items():
        yield name, check()


def _database(state: AppState) -> str | None:
    try:
        with state.database.read() as tx:
            return None if tx.policies.hash else "no policies are active yet; run 'taskhub config apply'"
    except TaskhubError as error:
        return error.message


def _lines(gauges: Iterable[tuple[str, dict[str, str], float]]) -> Iterable[str]:
    told: set[str] = set()
    for name, labels, value in gauges:
        if name not in told:
            told.add(name)
            yield f"# TYPE {name} gauge"
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
