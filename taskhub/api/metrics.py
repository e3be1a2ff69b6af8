"""``/metrics/tasks``: what finished work came to, by queue, kind or team."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request

from taskhub.access import service as access
from taskhub.access.permissions import can, reaches_all
from taskhub.api import covered, seen
from taskhub.api.reader import language as read_in
from taskhub.assignment import cover
from taskhub.db.tx import Tx
from taskhub.http.edge import look
from taskhub.http.inputs import Instant
from taskhub.http.route import router
from taskhub.metrics import queries
from taskhub.metrics.definitions import METRICS
from taskhub.metrics.quality import queries as looked
from taskhub.metrics.quality.figures import METRICS as QUALITY

routes = router("metrics")


@routes.get("/metrics/tasks")
@look("metric.read")
def of_tasks(
    tx: Tx,
    by: Literal["queue", "kind", "team"] = "queue",
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Instant | None = None,
) -> dict[str, Any]:
    """Backlog, throughput, wait, handle and cycle time, SLA attainment and rework of a period (default: seven days)."""
    end = until or tx.now
    begin = since or end - timedelta(days=7)
    items = queries.of_tasks(tx, by, begin, end, _queues(tx))
    meaning = {metric.name: {"unit": metric.unit, "formula": metric.formula} for metric in METRICS}
    return {"from": begin, "until": end, "by": by, "items": items, "metrics": meaning}


def _queues(tx: Tx) -> list[str] | None:
    """The queues whose figures the caller may see; None: all."""
    who = access.caller(tx)
    if reaches_all(who, "metric.read"):
        return None
    return [key for key, queue in tx.policies.queues.items() if can(who, "metric.read", seen.of_queue(queue))]


@routes.get("/metrics/coverage")
@look("metric.read")
def coverage(
    tx: Tx,
    request: Request,
    days: Annotated[int, Query(ge=1, le=90)] = 14,
    language: Annotated[Literal["en", "fr"] | None, Query()] = None,
) -> dict[str, Any]:
    """Bus factor: how many people could do each kind, and when planned absences leave it with nobody, or only one."""
    until = tx.now + timedelta(days=days)
    said = read_in(tx, request, language)
    items = [covered.kind(one, said) for one in cover.covers(tx, _queues(tx), tx.now, until)]
    return {"from": tx.now, "until": until, "items": items}


@routes.get("/metrics/quality")
@look("metric.read")
def quality(
    tx: Tx,
    by: Literal["kind", "team"] = "kind",
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Instant | None = None,
) -> dict[str, Any]:
    """What second looks of a period found (default: 28 days): right, wrong, the rate with its interval, the share."""
    end = until or tx.now
    begin = since or end - timedelta(days=28)
    items = looked.of_groups(tx, by, begin, end, _queues(tx))
    meaning = {metric.name: {"unit": metric.unit, "formula": metric.formula} for metric in QUALITY}
    return {"from": begin, "until": end, "by": by, "items": items, "metrics": meaning}
