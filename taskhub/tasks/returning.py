"""Pushed work that nobody has begun returns to its queue, in one transaction. Started, paused and pinned work stays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.tasks import moves, queries, store
from taskhub.tasks.model import ASSIGNED, GIVEN, Task

MOST = 10_000


def given(tx: Tx, queue: str, agent: str | None = None) -> list[Task]:
    """What people of a queue (or one of them) hold."""
    which: dict[str, Any] = {"queue": queue, "state": GIVEN, **({"agent": agent} if agent else {})}
    return queries.find(tx, which, None, MOST)


def returns(task: Task, by: datetime | None = None) -> bool:
    """Whether it is an offer nobody has begun; ``by``: one that was made before that instant."""
    early = by is None or (task.given_at is not None and task.given_at < by)
    return task.state == ASSIGNED and not task.pinned and early


def unstarted(
    tx: Tx, queue: str, why: Mapping[str, Any], *, agent: str | None = None, by: datetime | None = None
) -> list[str]:
    """Returns the queue's offers (one person's, or those made before ``by``) and says which."""
    ids = [task.id for task in given(tx, queue, agent) if returns(task, by)]
    found = [task for task in store.lock_many(tx, ids) if returns(task, by) and agent in (None, task.agent)]
    for task in found:
        moves.back_to_queue(tx, task, "withdraw", {"by_whom": task.agent, **why})
    return [task.id for task in found]


def split(tasks: Collection[Task]) -> tuple[Sequence[Task], Sequence[Task]]:
    """Those that would return, and those that stay with whom they are."""
    return [one for one in tasks if returns(one)], [one for one in tasks if not returns(one)]
