"""Work comes back: a completed task is done again, a cancelled one is wanted after all."""

from __future__ import annotations

from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.tasks import checks, clocks, moves, rederive, store
from taskhub.tasks.model import ASSIGNED, BLOCKED, QUEUED, Task


def reopen(
    tx: Tx, task_id: str, reason: str | None = None, version: int | None = None, act: str = "reopen", *,
    to_last: bool = True, note: str | None = None,
) -> Task:  # fmt: skip
    """Back to the last person if there is room, else to the queue; its clocks go on where they stopped.

    What had never become ready is blocked again, and looked at as if it were new.
    """
    found = store.get(tx, task_id)
    last = found.agent if found else None
    # The person's row is locked before the task's, in every act.
    if found is not None and found.kind not in tx.policies.kinds:
        raise Conflict(
            f"There is no kind {found.kind!r} any more: make a task of another kind.", code="kind_gone", kind=found.kind
        )
    roomy = to_last and found is not None and last is not None and checks.has_room(tx, last, found.queue)
    task, _ = moves.allowed(tx, task_id, act, version=version)
    changes = _back(tx, task, roomy=roomy) | ({"note": note} if note else {})
    return _on(tx, moves.move(tx, task, act, changes, {"reason": reason, "was": task.state}))


def bring_back(tx: Tx, task: Task, reason: str, *, counted: bool = False) -> Task | None:
    """A locked task that ended because of something else is wanted again, since that was taken back: to its queue.

    ``counted``: its clocks count the time it was closed as well. None where its kind is gone: nobody could do it.
    """
    if task.kind not in tx.policies.kinds:
        return None
    back = _back(tx, task, roomy=False, counted=counted)
    return _on(tx, moves.move(tx, task, "restore", back, {"reason": reason, "was": task.state}))


def _on(tx: Tx, moved: Task) -> Task:
    """It goes on from where it is."""
    if moved.file:
        tx.emit("file.changed", moved.file)
    if moved.state == BLOCKED and (moved.blocked_until is not None or not moved.file):
        tx.emit("block.ended", moved.id, due_at=moved.blocked_until)
    elif moved.state == QUEUED:
        moves.announce_ready(tx, moved)
    return rederive.catch_up(tx, moved)


def _back(tx: Tx, task: Task, *, roomy: bool, counted: bool = False) -> dict[str, Any]:
    ended = {"completed_at": None, "outcome": None, "completed_by": None, "waiting_reasons": None}
    if task.ready_at is None:
        return {"state": BLOCKED, **ended}
    holder: dict[str, Any] = {"state": QUEUED, "agent": None, "pinned": False, "given_at": None}
    if roomy:
        holder |= {"state": ASSIGNED, "agent": task.agent, "given_at": tx.now}
    back = {**ended, **holder, "ready_at": tx.now, **clocks.restarted(tx, task, counted=counted)}
    row = {n: getattr(task, n) for n in Task.__slots__} | back
    return back | {"start_by": clocks.start_by(tx, row)}
