"""It was another sort of work: the task moves to that kind's queue, with the time counted so far. And the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.db.tx import Tx
from taskhub.queues import service as queues
from taskhub.tasks import clocks, drafting, following, moves, store
from taskhub.tasks.model import BLOCKED, NewTask, Task

ASKED = ("requires", "level", "checklist", "sla")


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
    changes = _as_kind(tx, task, kind, was or {}) | {"policy_hash": tx.policies.hash, "waiting_reasons": None}
    store.end_pause(tx, task)
    if task.ready_at is not None:
        told = following.follow(tx, {**clocks.row_of(task), **changes}, task)
        changes |= told.columns
        clocks.arm(tx, task.id, told.next_look)
        clocks.look_at_ladder(tx, task.id, changes["sla"])
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
    own = {"sla": _promise(tx, task, kind)} | {name: was[name] for name in ("checklist", "sla") if name in was}
    return {name: new.row[name] for name in names} | {"shape": shape.id} | own


def _promise(tx: Tx, task: Task, kind: str) -> str | None:
    """What is promised of that kind, unless a rule has promised something of its own."""
    own = tx.policies.kinds.get(task.kind)
    return tx.policies.kinds[kind].sla if own is None or task.sla == own.sla else task.sla
