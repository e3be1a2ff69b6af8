"""It was another sort of work: the task moves to that kind's queue and keeps its clock. And the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from taskhub.db.tx import Tx
from taskhub.queues import service as queues
from taskhub.tasks import clocks, drafting, moves, store
from taskhub.tasks.model import BLOCKED, NewTask, Task

ASKED = ("requires", "level", "checklist")


def change_kind(
    tx: Tx, task_id: str, kind: str, reason: str, token: int | None = None, version: int | None = None
) -> Task:
    """It was another sort of work: waits in that kind's queue, its clock kept. A closed one refuses."""
    task, _ = moves.allowed(tx, task_id, "change_kind", token, version)
    wanted = tx.policies.kinds.get(kind)
    if wanted is not None and wanted.queue != task.queue:
        queues.refuse_closed(tx, tx.policies.queues[wanted.queue])
    was = {name: getattr(task, name) for name in ASKED}
    tx.inverse = {"op": "change_kind", "task": task.id, "kind": task.kind, "was": was}
    return _change(tx, task, "change_kind", kind, reason)


def change_back(tx: Tx, task_id: str, kind: str, was: Mapping[str, Any]) -> Task:
    """Undo: the kind it had, with what that task asked of a person and the marks on its checklist."""
    task, _ = moves.allowed(tx, task_id, "change_back")
    return _change(tx, task, "change_back", kind, "undo", was)


def _change(tx: Tx, task: Task, act: str, kind: str, reason: str, was: Mapping[str, Any] | None = None) -> Task:
    changes = _as_kind(tx, task, kind, was or {})
    store.end_pause(tx, task)
    changes |= clocks.recount(tx, replace(task, queue=changes["queue"]))
    row = {n: getattr(task, n) for n in Task.__slots__} | changes
    changes |= {"start_by": clocks.start_by(tx, row) if task.ready_at else None, "waiting_reasons": None}
    note = {"reason": reason, "was": task.kind}
    if task.file:
        tx.emit("file.changed", task.file)
    if task.state == BLOCKED:
        return moves.move(tx, task, act, changes, note)
    return moves.back_to_queue(tx, task, act, {**note, "by_whom": task.agent}, changes)


def _as_kind(tx: Tx, task: Task, kind: str, was: Mapping[str, Any]) -> dict[str, Any]:
    asked = NewTask(kind=kind, title=task.title, level=was.get("level", 1), requires=was.get("requires", {}))
    new = drafting.draft(asked, tx.policies, tx.now, task.id)
    shape = new.shape._replace(extra_teams=tuple(sorted(task.extra_teams)))
    store.know_shape(tx, shape)
    names = ("kind", "queue", "shape", "level", "weight", "minutes", "requires", "checklist")
    kept = {name: new.row[name] for name in names} | {"shape": shape.id}
    return kept | ({"checklist": was["checklist"]} if "checklist" in was else {})
