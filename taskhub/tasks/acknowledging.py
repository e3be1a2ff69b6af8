"""Somebody has seen that a task is late and deals with it: its ladder stands still."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.tasks import clocks, moves
from taskhub.tasks.model import Task


def acknowledge(tx: Tx, task_id: str, version: int | None = None) -> Task:
    """The ladder stops, until the task leaves the hands it is in or is opened again (see moves.move)."""
    task, _ = moves.allowed(tx, task_id, "acknowledge", version=version)
    tx.cancel("escalation.step", task.id)
    tx.inverse = {"op": "unacknowledge", "task": task.id}
    seen = {"acknowledged_by": tx.by.agent or tx.by.label, "acknowledged_at": tx.now}
    return moves.move(tx, task, "acknowledge", seen)


def unacknowledge(tx: Tx, task_id: str) -> Task:
    """Undo: it was a mistake, so what fell due meanwhile fires now."""
    task, _ = moves.allowed(tx, task_id, "unacknowledge")
    clocks.look_at_ladder(tx, task.id, task.sla)
    return moves.move(tx, task, "unacknowledge", {"acknowledged_by": None, "acknowledged_at": None})
