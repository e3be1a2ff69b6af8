"""More teams may take a task: its shape changes, and whoever is free there is looked at at once."""

from __future__ import annotations

from collections.abc import Iterable

from taskhub.db.tx import Tx
from taskhub.tasks import moves, store
from taskhub.tasks.model import QUEUED, Task


def widen(tx: Tx, task: Task, teams: Iterable[str]) -> Task:
    """Lets ``teams`` in, beside those of its queue and whatever its model says, for as long as the task is open."""
    extra = sorted({*task.extra_teams, *teams})
    if extra == sorted(task.extra_teams):
        return task
    shape = store.shape_of(tx, task.shape)._replace(extra_teams=tuple(extra))
    store.know_shape(tx, shape)
    changes = {"extra_teams": extra, "shape": shape.id, "waiting_reasons": None}
    moved = moves.move(tx, task, "widen", changes, {"why": "escalation"})
    if moved.state == QUEUED:
        moves.announce_ready(tx, moved)
    return moved
