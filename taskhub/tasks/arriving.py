"""Work that was somewhere else until yesterday: taken over as it is, and given back while nobody has begun it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.tasks import making, moves, pausing, queries, service, store
from taskhub.tasks.model import ASSIGNED, CANCELLED, QUEUED, NewTask, Task


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task to be. ``agent`` holds it, whatever else they hold; ``waits_for`` and ``until``: put aside, why, until."""

    new: NewTask
    agent: str | None = None
    waits_for: str | None = None
    until: datetime | None = None


def known(tx: Tx, names: Mapping[str, str]) -> set[str]:
    """Those origins (origin → id it had where it comes from) that are here already, or whose very task is."""
    there = set(queries.made_by(tx, list(names)))
    own = {task.id for task in queries.by_ids(tx, list(names.values()))}
    return there | {origin for origin, id_ in names.items() if id_ in own}


def take_over(tx: Tx, arrivals: Sequence[Arrival]) -> dict[str, str]:
    """Makes those whose origin is new. Origin → id of these; what is known stays as it is."""
    by_origin = {str(one.new.origin): one for one in arrivals}
    made = making.bring_about(tx, [one.new for one in by_origin.values()])
    failpoint("arriving.made")
    found = {str(task.origin): task for task in store.lock_many(tx, made.fresh)}
    for origin, task in found.items():
        if by_origin[origin].agent is not None:
            _give(tx, task, by_origin[origin])
    return {origin: task.id for origin, task in found.items()}


def _give(tx: Tx, task: Task, arrival: Arrival) -> None:
    """Pinned, as if a manager had given it: nobody's turn, no offer that runs out."""
    if task.state != QUEUED:
        return
    given = {"state": ASSIGNED, "agent": arrival.agent, "pinned": True, "given_at": tx.now}
    moved = moves.move(tx, task, "arrive", given)
    tx.emit("task.given", task.id, {"agent": arrival.agent, "way": "arrive"})
    if arrival.waits_for is not None:
        pausing.put_aside(tx, moved, "arrive_waiting", arrival.waits_for, arrival.until)


def touched(tx: Tx, ids: Sequence[str]) -> list[Task]:
    """Those of the tasks that somebody has begun, ended or changed since."""
    return [task for task in queries.by_ids(tx, ids) if _touched(task)]


def _touched(task: Task) -> bool:
    return task.version > 1 or task.started_at is not None or not task.is_open


def withdraw(tx: Tx, ids: Sequence[str], outcome: str) -> Mapping[str, bool]:
    """Cancels those nobody has touched; their origins are free again. Id → whether it was cancelled."""
    done: dict[str, bool] = {}
    for task in store.lock_many(tx, ids):
        done[task.id] = not _touched(task)
        if done[task.id]:
            service.finish(tx, task, "close", {"outcome": outcome, "origin": None})
            failpoint("arriving.withdrawn")
        elif task.state == CANCELLED:
            done[task.id] = True
    return done
