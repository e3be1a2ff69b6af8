"""What clients get: the JSON of tasks, leases, people, events and records, exactly as the contract names it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskhub.agents.model import Absence, Agent, Team
from taskhub.events.inbox import Stored
from taskhub.tasks.model import Lease
from taskhub.tasks.shown.as_json import task as task  # noqa: PLC0414  this page gives them on
from taskhub.tasks.shown.as_json import tasks as tasks  # noqa: PLC0414

_PRIVATE = ("email", "external_ids", "hours_per_week", "cost_per_hour", "learning")


def lease(row: Lease) -> dict[str, Any]:
    """The proof of holding a task, for its holder only."""
    return {"token": row.token, "expires_at": row.expires_at}


def team(row: Team) -> dict[str, Any]:
    """One team."""
    return {name: getattr(row, name) for name in Team.__slots__}


def agent(row: Agent, *, private: bool) -> dict[str, Any]:
    """One person; what only they and their managers see is left out for others."""
    shown = {name: getattr(row, name) for name in Agent.__slots__ if private or name not in _PRIVATE}
    listed = {"learning": list(row.learning or ())} if private else {}
    return {**shown, "attributes": dict(row.attributes), "skills": dict(row.skills),
            "queue_caps": dict(row.queue_caps or {}), **listed}  # fmt: skip


def absence(row: Absence) -> dict[str, Any]:
    """One planned time away."""
    return {"id": row.id, "agent": row.agent, "from": row.from_at, "until": row.until_at, "reason": row.reason,
            "ramp_for_s": row.ramp_for_s}  # fmt: skip


def event(row: Stored, task_ids: Sequence[str]) -> dict[str, Any]:
    """One event of the inbox and the tasks it made."""
    return {**event_line(row), "data": dict(row.event.data) if row.event else None, "tasks": list(task_ids)}


def event_line(row: Stored) -> dict[str, Any]:
    """One event in a list."""
    return {
        "event_id": row.id, "source": row.source, "id": row.external_id, "type": row.type, "subject": row.subject,
        "connection": row.connection, "occurred_at": row.occurred_at, "received_at": row.received_at,
        "state": row.state, "reason": row.reason,
    }  # fmt: skip
