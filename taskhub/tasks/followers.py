"""What a completed task led to: whether somebody has begun it, and taking it back when nobody has."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.tasks import queries, service
from taskhub.tasks.model import COMPLETED, WRONG


def started(tx: Tx, task_id: str | None) -> bool:
    """Whether somebody has begun what this task led to: what a rule made of it, what waited for it in its file.

    A check led to what its verdict let go, or to the rework it asked for.
    """
    if task_id is None:
        return False
    task = service.get(tx, task_id)
    if task.checks is None:
        return queries.followers_started(tx, task)
    first = service.get(tx, task.checks)
    return (task.outcome == WRONG and first.state != COMPLETED) or bool(
        task.blocking and queries.followers_started(tx, first)
    )


def withdraw(tx: Tx, task_id: str) -> None:
    """Undo of a completion: what it led to and nobody has begun is no longer wanted."""
    for follower in queries.followers(tx, task_id):
        service.finish(tx, follower, "close", {"outcome": "undone"})
