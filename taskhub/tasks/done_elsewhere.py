"""A task that was done in another system is done here, as if a rule had said so: whoever had it is free."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.tasks import moves, service
from taskhub.tasks.model import Task


def lock(tx: Tx, task_id: str) -> Task:
    """The task, locked."""
    return moves.locked(tx, task_id)


def finish(tx: Tx, task_id: str) -> bool:
    """Completes it; False when it has ended already."""
    task = moves.locked(tx, task_id)
    if task.is_open:
        service.finish(tx, task, "finish", {})
    return task.is_open
