"""Escalations: what has fired for a task, and what will in the next hours."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from taskhub.access import service as access
from taskhub.access.permissions import can, reaches_all
from taskhub.api import seen
from taskhub.db.tx import Tx
from taskhub.escalation import service as escalation
from taskhub.escalation import upcoming
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.inputs import Id, KeyText
from taskhub.http.route import router

routes = router("escalations")
REHEARSE = "rehearsal.read"


@routes.get("/escalations/rehearsal")
@look(REHEARSE)
def rehearsal(
    tx: Tx,
    hours: Annotated[float, Query(gt=0, le=upcoming.LONGEST, description="How far ahead.")] = 8.0,
    queue: Annotated[KeyText | None, Query()] = None,
) -> dict[str, Any]:
    """What will escalate if nobody does anything, to whom, and whether they will be at work."""
    found = upcoming.rehearsal(tx, hours, _queues(tx, queue))
    return {"now": found.now, "until": found.until, "more": found.more, "items": found.items()}


@routes.get("/tasks/{id}/escalations")
@look("task.read")
def of_task(tx: Tx, id: Id) -> dict[str, Any]:
    """The steps on record for a task, oldest first: when due and done, what was done, who was told instead of whom."""
    task, _ = seen.task(tx, id)
    rows = escalation.of_task(tx, id)
    seen_by = {"by": task.acknowledged_by, "at": task.acknowledged_at} if task.acknowledged_by else None
    return {**paging.page([_fired(row) for row in rows], None), "acknowledged": seen_by}


def _queues(tx: Tx, wanted: str | None) -> list[str] | None:
    """The queues to look at: one, or all the caller answers for."""
    if wanted is not None:
        return [seen.queue(tx, wanted, REHEARSE).key]
    who = access.caller(tx)
    if reaches_all(who, REHEARSE):
        return None
    return [key for key, queue in tx.policies.queues.items() if can(who, REHEARSE, seen.of_queue(queue))]


def _fired(row: Any) -> dict[str, Any]:
    return {
        "step": row.step + 1 if row.step >= 0 else None, "repetition": row.repetition, "escalation": row.policy,
        "due_at": row.due_at, "at": row.at, "effects": row.effects,
    }  # fmt: skip
