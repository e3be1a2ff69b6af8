"""``/healthz``, ``/readyz``, ``/metrics``: for whoever runs taskhub."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from taskhub import __version__
from taskhub.api.readiness import troubles
from taskhub.http.edge import JSON, OPEN, declared, json_bytes
from taskhub.http.route import router
from taskhub.http.state import state_of
from taskhub.metrics.scrape.text import MEDIA_TYPE

routes = router("health", prefix="")


@routes.get("/healthz")
@declared(OPEN)
async def healthz(request: Request) -> Response:
    """The process is alive."""
    return Response(json_bytes({"status": "ok", "version": __version__}), media_type=JSON)


@routes.get("/readyz")
@declared(OPEN)
def readyz(request: Request) -> Response:
    """200 ``ready`` or ``degraded`` (it serves, but something is wrong), 503 ``not_ready``; what to do is said."""
    found = list(troubles(state_of(request)))
    blocked = any(one.blocking for one in found)
    status = "not_ready" if blocked else "degraded" if found else "ready"
    body = {"status": status, "problems": {one.name: one.said for one in found}}
    return Response(json_bytes(body), 503 if blocked else 200, media_type=JSON)


@routes.get("/metrics")
@declared(OPEN)
def metrics(request: Request) -> Response:
    """Figures for Prometheus. They name queues, topics and states, never people."""
    return Response(state_of(request).board.page(), media_type=MEDIA_TYPE)
