"""The second look: a task that checks another one. Right lets go what waits for it, wrong brings it back."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.tasks import queries, service
from taskhub.tasks.model import COMPLETED, WRONG, Task

held_back = queries.held_back
looks_at = queries.looks_at


def withdraw(tx: Tx, task_id: str) -> None:
    """The work is taken up again: checks of it that nobody has begun are no longer wanted."""
    for check in queries.followers(tx, task_id):
        if check.checks == task_id:
            service.finish(tx, check, "close", {"outcome": "reopened"})


def is_current(check: Task, first: Task) -> bool:
    """Whether ``check`` looked at the work as it stands: it has not been taken up again since."""
    return first.state == COMPLETED and first.completed_at is not None and first.completed_at <= check.created_at


def found_wrong(check: Task) -> bool:
    """Whether the check has ended with the verdict that brings the work back."""
    return check.state == COMPLETED and check.outcome == WRONG
