"""A queue goes ahead, or no longer: the stored order of its tasks follows, in batches, each move in history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from taskhub.db.tx import Tx
from taskhub.tasks import clocks, moves, queries, store
from taskhub.tasks.model import OPEN, QUEUED, Task
from taskhub.tasks.overtaking import Moved, Place

BATCH = 200
HEADS = 5_000
AGAIN = timedelta(seconds=10)
REORDER = "queue.reorder"


def changed(tx: Tx, queue: str) -> None:
    """A period of the queue begins or ends: its tasks are looked at now, and once more a little later.

    A task made by a transaction that began before may come in meanwhile.
    """
    tx.emit(REORDER, f"{queue}|")
    tx.emit(REORDER, f"{queue}||again", due_at=tx.after(AGAIN))


def reorder(tx: Tx, place: str) -> None:
    """Gives a batch of the queue's open tasks the ``start_by`` that holds now; ``place`` says where it begins."""
    queue, _, after = place.partition("|")
    at, _, id_ = after.partition("|")
    if queue not in tx.policies.queues:
        return
    found = queries.find(tx, {"queue": queue, "state": OPEN}, (datetime.fromisoformat(at), id_) if at else None, BATCH)
    for task in store.lock_many(tx, [one.id for one in found]):
        if task.is_open and task.queue == queue and task.ready_at is not None:
            _one(tx, task)
    if len(found) == BATCH:
        tx.emit(REORDER, f"{queue}|{found[-1].created_at.isoformat()}|{found[-1].id}")


def _one(tx: Tx, task: Task) -> None:
    start_by = clocks.start_by(tx, _row(task))
    if start_by != task.start_by:
        moves.move(tx, task, "reorder", {"start_by": start_by}, {"why": "period"})


def moved(tx: Tx, queue: str, ahead: timedelta) -> list[Moved]:
    """Where the queue's waiting tasks stand, and where they would stand if it went so far ahead."""
    waiting = queries.find(tx, {"queue": queue, "state": QUEUED}, None, HEADS)
    return [
        Moved(place, clocks.ordered(tx, _row(task), ahead))
        for task in waiting
        for place in _places([task])
    ]  # fmt: skip


def waiting(tx: Tx, queues: Iterable[str]) -> list[Place]:
    """Where the waiting tasks of these queues stand."""
    return [
        place for key in queues for place in _places(queries.find(tx, {"queue": key, "state": QUEUED}, None, HEADS))
    ]


def _places(tasks: Iterable[Task]) -> list[Place]:
    return [Place(one.id, one.queue, one.start_by, one.created_at) for one in tasks if one.start_by is not None]


def _row(task: Task) -> dict[str, object]:
    return {name: getattr(task, name) for name in Task.__slots__}
