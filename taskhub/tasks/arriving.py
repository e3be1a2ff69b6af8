"""Work that was somewhere else until yesterday: taken over as it is, and given back while nobody has begun it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.tasks import checks, making, moves, pausing, queries, service, store
from taskhub.tasks.model import ASSIGNED, CANCELLED, QUEUED, SET_ASIDE, NewTask, Task


@dataclass(frozen=True, slots=True)
class Arrival:
    """A task to be. ``agent`` has it; ``waits_for`` and ``until``: put aside, why, until when."""

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
    """Makes those whose origin is new. Origin → id of these; what is known stays as it is.

    Who has more than they can hold at once keeps all of it: what is too much is put aside, and waits with them.
    """
    by_origin = {str(one.new.origin): one for one in arrivals}
    for agent in sorted({one.agent for one in arrivals if one.agent is not None}):
        store.lock_agent(tx, agent)
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
    waits_for = arrival.waits_for
    if waits_for is None and not checks.has_room(tx, str(arrival.agent), task.queue):
        waits_for = SET_ASIDE
    moved = moves.move(tx, task, "arrive", given)
    tx.emit("task.given", task.id, {"agent": arrival.agent, "way": "arrive"})
    if waits_for is not None:
        pausing.put_aside(tx, moved, "arrive_waiting", waits_for, arrival.until or _next_look(tx, task, waits_for))


def _next_look(tx: Tx, task: Task, reason: str) -> datetime | None:
    """Every pause has a next date."""
    kind = tx.policies.pause_reasons.get(reason)
    return checks.pause_until(tx.policies, kind, None, tx.now, tx.policies.calendar_of(task.queue)) if kind else None


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
