"""Waiting work of one kind becomes work of another, whose queue it then waits in: a row of changes of kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.db.tx import Tx
from taskhub.tasks import moves, queries, returning, store
from taskhub.tasks.model import ASSIGNED, OPEN, UNGIVEN, Task
from taskhub.tasks.rekind import change_back, change_kind

MOST = 400  # in one transaction, and in one undo


def of_kind(tx: Tx, queue: str, kind: str) -> tuple[list[Task], list[Task]]:
    """The kind's open tasks: those that can be moved, oldest first, and those that stay with whom they are."""
    found = queries.find(tx, {"queue": queue, "kind": kind, "state": OPEN}, None, returning.MOST)
    free = [task for task in found if task.state in UNGIVEN or returning.returns(task)]
    return free[::-1], [task for task in found if task not in free]


def move(tx: Tx, ids: Sequence[str], kind: str, reason: str) -> list[Task]:
    """Changes the kind of those of ``ids`` that nobody has begun meanwhile."""
    moved, back = [], []
    for task in store.lock_many(tx, ids):
        if task.state in UNGIVEN or returning.returns(task):
            moved.append(change_kind(tx, task.id, kind, reason))
            back.append(dict(tx.inverse or {}))
    tx.inverse = {"op": "move_back", "tasks": back} if back else None
    return moved


def move_back(tx: Tx, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Undo: each has the kind it had. What was offered since and not begun comes back from whom it was offered to."""
    found = {task.id: task for task in store.lock_many(tx, [one["task"] for one in tasks])}
    for one in tasks:
        task = found[one["task"]]
        if task.state == ASSIGNED and returning.returns(task):
            moves.back_to_queue(tx, task, "withdraw", {"by_whom": task.agent, "why": "undo"})
        change_back(tx, task.id, one["kind"], one["was"])
    tx.inverse = None
