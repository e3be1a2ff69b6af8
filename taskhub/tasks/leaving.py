"""A person leaves: what they held waits in its queue again, or goes on to a colleague. And the way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from taskhub.db.tx import Tx
from taskhub.tasks import checks, clocks, moves, queries, store
from taskhub.tasks.model import ASSIGNED, GIVEN, QUEUED, Task

MOST = 10_000
_NONE = {"paused_reason": None, "paused_until": None, "paused_at": None, "waiting_reasons": None}


def held(tx: Tx, agent: str, *, lock: bool) -> list[Task]:
    """Everything with a person, what is begun first, then by start_by; locked in the order of ids."""
    found = queries.given_to(tx, agent) if lock else queries.find(tx, {"agent": agent, "state": GIVEN}, None, MOST)
    return sorted(found, key=lambda task: (task.state == ASSIGNED, task.start_by or task.created_at, task.id))


def kept_out(tx: Tx, task: Task) -> Collection[str]:
    """Who may never do it."""
    return {who for who, why, _ in store.exclusions(tx, task.id) if why in moves.EXCLUDED_FOR_EVER}


def is_begun(task: Task) -> bool:
    """Whether some of it may be done already."""
    return task.state != ASSIGNED or task.started_at is not None


def to_queue(tx: Tx, task: Task, note: str | None) -> Task:
    """A locked task waits in its queue again, at its old place, with its notes."""
    store.end_pause(tx, task)
    changes = {"note": _with(task.note, note)} | clocks.recount(tx, replace(task, state=QUEUED))
    told = {"by_whom": task.agent, "why": "left", "half_done": is_begun(task)}
    return moves.back_to_queue(tx, task, "withdraw" if task.state == ASSIGNED else "expire", told, changes)


def to_colleague(tx: Tx, task: Task, to: str, note: str | None) -> Task:
    """A locked task goes to a colleague whose room has been looked at: pinned, the old token dead."""
    store.end_pause(tx, task)
    given = {
        "state": ASSIGNED,
        "agent": to,
        "pinned": True,
        "given_at": tx.now,
        "note": _with(task.note, note),
        **_NONE,
    }
    given |= clocks.recount(tx, task)
    moved = moves.move(tx, task, "hand_over", given, {"was": task.agent, "why": "left", "half_done": is_begun(task)})
    tx.emit("task.given", task.id, {"agent": to, "way": "hand_over"})
    moves.tell_if_late(tx, moved, task.agent)
    return moved


def give_back(tx: Tx, agent: str, left: Mapping[str, str | None]) -> list[str]:
    """Undo: tasks (id -> who got it, None = the queue) that nobody has begun since return while they fit."""
    back = []
    for task in store.lock_many(tx, left):
        untouched = task.state == QUEUED or (
            task.state == ASSIGNED and (task.agent == left[task.id] or not task.pinned)
        )
        if not untouched or not checks.has_room(tx, agent, task.queue):
            continue
        given: dict[str, Any] = {"state": ASSIGNED, "agent": agent, "pinned": True, "given_at": tx.now, **_NONE}
        moves.move(tx, task, "take_back", given, {"was": task.agent, "why": "undo"})
        moves.freed(tx, task.agent)
        back.append(task.id)
    return back


def _with(note: str | None, more: str | None) -> str | None:
    return "\n\n".join(text for text in (note, more) if text) or None
