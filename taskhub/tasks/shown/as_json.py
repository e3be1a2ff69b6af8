"""The JSON of tasks, exactly as the contract names it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import TaskhubError
from taskhub.policy.work import PRIORITIES
from taskhub.sla.times import at_a_glance
from taskhub.tasks.model import PAUSED, Lease, Task
from taskhub.tasks.shown import queries
from taskhub.tasks.shown.queries import Extras


def tasks(tx: Tx, rows: Sequence[Task]) -> list[dict[str, Any]]:
    """Tasks as clients see them."""
    more = queries.extras(tx, rows)
    return [with_extras(tx, row, more) for row in rows]


def task(tx: Tx, row: Task, held: Lease | None = None) -> dict[str, Any]:
    """One task; ``held`` is its lease where that is known."""
    return with_extras(tx, row, queries.extras(tx, [row], held))


def with_extras(tx: Tx, row: Task, more: Extras) -> dict[str, Any]:
    """One task whose extras are known."""
    ends = more.lease_ends.get(row.id)
    return {
        "id": row.id, "kind": row.kind, "title": row.title, "queue": row.queue, "state": row.state,
        "paused": _paused(row, more), "blocked_by": list(row.blocked_by), "priority": PRIORITIES[row.priority],
        "agent": row.agent, "lead": row.lead, "deal": row.deal, "event": row.event, "created_at": row.created_at,
        "ready_at": row.ready_at, "due_at": row.due_at,
        "sla": {"state": row.sla_state, "due_at": row.due_at, "warn_at": more.warn_at.get(row.id),
                "remaining_s": remaining_s(tx, row)},
        "first_start": _first_start(tx, row, more), "remind_at": _remind_at(row, more),
        "lease": {"expires_at": ends} if ends is not None else None,
        "checklist": list(row.checklist), "data": dict(row.data), "note": row.note, "outcome": row.outcome,
        "started_at": row.started_at, "completed_at": row.completed_at, "completed_by": row.completed_by,
        "waiting_reasons": row.waiting_reasons, "acknowledged_by": row.acknowledged_by,
        "acknowledged_at": row.acknowledged_at, "extra_teams": list(row.extra_teams), "checks": row.checks,
        "version": row.version,
    }  # fmt: skip


def _paused(row: Task, more: Extras) -> dict[str, Any] | None:
    if row.state != PAUSED:
        return None
    pause = more.pauses.get(row.id)
    return {"reason": row.paused_reason, "until": row.paused_until, "by": pause.by if pause else row.agent}


def _remind_at(row: Task, more: Extras) -> datetime | None:
    """When somebody is reminded of paused work next, unless its date comes first."""
    pause = more.pauses.get(row.id)
    return pause.remind_at if pause is not None and row.state == PAUSED else None


def _first_start(tx: Tx, row: Task, more: Extras) -> dict[str, Any] | None:
    """By when the work is to be begun; None where nobody has promised that."""
    clock = more.first_start.get(row.id)
    if clock is None:
        return None
    state = at_a_glance(clock.due_at, clock.warn_at, clock.met_at, tx.now if row.is_open else row.completed_at)
    return {"state": state, "due_at": clock.due_at, "warn_at": clock.warn_at, "met_at": clock.met_at}


def remaining_s(tx: Tx, row: Task) -> float | None:
    """Open seconds left until the due time; negative once it has passed, None when no clock runs."""
    if row.due_at is None or not row.is_open or row.queue not in tx.policies.queues:
        return None
    calendar = tx.policies.calendar_of(row.queue)
    first, last = sorted((tx.now, row.due_at))
    try:
        seconds = calendar.elapsed(first, last).total_seconds()
    except (ValueError, TaskhubError):
        return None
    return seconds if tx.now <= row.due_at else -seconds
