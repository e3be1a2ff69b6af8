"""What people do with tasks. Each function is one act: lock, ask the table, write, emit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.agents import service as agents
from taskhub.db import history as histories
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, Forbidden, InvalidInput, NotFound
from taskhub.ids import new_id
from taskhub.policy.work import Queue
from taskhub.queues import service as queues
from taskhub.tasks import checks, clocks, drafting, making, moves, queries, store
from taskhub.tasks.acknowledging import acknowledge, unacknowledge
from taskhub.tasks.model import ASSIGNED, CANCELLED, COMPLETED, IN_PROGRESS, PAUSED, Lease, NewTask, Task
from taskhub.tasks.pausing import pause, put_aside
from taskhub.tasks.questions import service as questions
from taskhub.tasks.rekind import change_back, change_kind
from taskhub.tasks.rework import reopen

__all__ = [
    "acknowledge", "assign", "begin", "cancel", "change_back", "change_kind", "check_new", "complete", "create",
    "exclusions", "find", "finish", "get", "hand_over", "history", "lease_of", "leases", "of_deal", "of_event",
    "of_lead", "patch", "pause", "put_aside", "release", "renew", "reopen", "resume", "skip", "start", "take_back",
    "unacknowledge", "unassign", "unpatch",
]  # fmt: skip


PROMISED = ("due_at", "explicit_due", "priority")  # of these history says what they were, too


def create(tx: Tx, new: NewTask) -> Task:
    """Makes a task by hand. Raises InvalidInput for an unknown kind or a queue that is not the kind's, or Conflict.

    A closed queue takes no new work from people. What rules make is made there all the same: nothing may be lost.
    """
    _refuse_closed(tx, new)
    (id_,) = making.make(tx, [new])
    return get(tx, id_)


def check_new(tx: Tx, new: NewTask) -> None:
    """Raises what ``create`` would raise at this moment; makes nothing."""
    _refuse_closed(tx, new)
    drafting.draft(new, tx.policies, tx.now, new_id())


def _refuse_closed(tx: Tx, new: NewTask) -> None:
    kind = tx.policies.kinds.get(new.kind)
    if kind is not None and new.queue in (None, kind.queue):
        queues.refuse_closed(tx, tx.policies.queues[kind.queue])


def get(tx: Tx, task_id: str) -> Task:
    """The task as it is. Raises NotFound."""
    found = store.get(tx, task_id)
    if found is None:
        raise NotFound(f"There is no task {task_id}.")
    return found


def exclusions(tx: Tx, task_id: str) -> list[tuple[str, str, datetime | None]]:
    """(agent, why, until) of those who may not take the task."""
    return store.exclusions(tx, task_id)


def find(
    tx: Tx, filters: Mapping[str, Any], cursor: tuple[datetime, str] | None, limit: int
) -> tuple[list[Task], tuple[datetime, str] | None]:
    """One page of tasks, newest first, and where the next page begins."""
    rows = queries.find(tx, filters, cursor, limit + 1)
    page = rows[:limit]
    return page, (page[-1].created_at, page[-1].id) if len(rows) > limit else None


def leases(tx: Tx, tasks: list[Task]) -> dict[str, Lease]:
    """Live leases of ``tasks``, by task id."""
    return queries.leases_of(tx, [t.id for t in tasks if t.state == IN_PROGRESS])


def history(tx: Tx, task_id: str) -> list[dict[str, Any]]:
    """Every transition of the task, oldest first."""
    return histories.of(tx.conn, "task", task_id)


def of_event(tx: Tx, event_id: str) -> list[str]:
    """Ids of the tasks an event made."""
    return queries.by_event(tx, event_id)


def of_deal(tx: Tx, deal: str, lead: str | None = None) -> list[Task]:
    """Every task of a deal and those of its ``lead`` that are of no deal, in the order in which they were made."""
    return queries.of_deal(tx, deal, lead)


def of_lead(tx: Tx, lead: str) -> list[Task]:
    """Every task of a lead, those of its deals as well, in the order in which they were made."""
    return queries.of_lead(tx, lead)


def lease_of(tx: Tx, task_id: str) -> Lease | None:
    """The live lease of a task."""
    return store.lease_of(tx, task_id, locked=False)


def start(tx: Tx, task_id: str, version: int | None = None) -> tuple[Task, Lease]:
    """The assignee begins; on their own started task the lease they have comes back."""
    task = moves.locked(tx, task_id)
    live = store.lease_of(tx, task_id)
    if task.state == IN_PROGRESS and live and task.agent == tx.by.agent:
        return task, live
    task, _ = moves.allowed(tx, task_id, "start", version=version)
    return begin(tx, task, "start")


def begin(tx: Tx, task: Task, act: str, note: Mapping[str, Any] | None = None) -> tuple[Task, Lease]:
    """The task is in its person's hands from now: leased, first start met."""
    agent = task.agent or tx.by.agent or ""
    if task.state == PAUSED:
        store.end_pause(tx, task)
        clocks.look_at_ladder(tx, task.id, task.sla)
    elif act == "start":
        agents.accepted(tx, agent)
    changes = {"state": IN_PROGRESS, "agent": agent, "started_at": task.started_at or tx.now, "waiting_reasons": None}
    changes |= {"paused_reason": None, "paused_until": None, "paused_at": None, "given_at": task.given_at or tx.now}
    changes |= clocks.started(tx, task)
    moved = moves.move(tx, task, act, changes, note)
    return moved, moves.grant(tx, moved, agent)


def renew(tx: Tx, task_id: str, token: int) -> tuple[Task, Lease]:
    """The screen is alive: this lease and every other of the same person get a new term."""
    task, _ = moves.allowed(tx, task_id, "renew", token)
    until = moves.lease_until(tx, task.queue, task.minutes)
    store.renew(tx, task_id, token, until)
    store.renew_all(tx, task.agent or "", until)
    return task, Lease(task_id, task.agent or "", token, until)


def release(
    tx: Tx, task_id: str, reason: str, token: int | None = None, version: int | None = None, act: str = "release"
) -> Task:
    """Back to the queue, at its old place; not offered to the same person again within the cool-down."""
    task, _ = moves.allowed(tx, task_id, act, token, version)
    queue = tx.policies.queues.get(task.queue)
    if queue is not None:
        keep_off(tx, task, queue)
    return moves.back_to_queue(tx, task, act, {"reason": reason, "by_whom": task.agent})


def keep_off(tx: Tx, task: Task, queue: Queue) -> None:
    """Not offered to its present person again within the cool-down."""
    until = tx.after(queue.cool_down)
    store.exclude(tx, [{"task": task.id, "agent": task.agent, "why": "declined", "until": until}])
    tx.emit("cool_down.ended", f"{task.id}:{task.agent}", {"rotation": queue.turn_key}, due_at=until)
    tx.emit("task.declined", task.id, {"agent": task.agent})


def skip(tx: Tx, task_id: str, reason: str, token: int | None = None, version: int | None = None) -> Task:
    """Not this one: recorded with its reason, and the next claim gives another."""
    task = get(tx, task_id)
    checks.skip_reason(tx.policies, task.queue, reason)
    checks.skip_budget(tx, task)
    return release(tx, task_id, reason, token, version, act="skip")


def resume(tx: Tx, task_id: str, version: int | None = None) -> tuple[Task, Lease]:
    """Back to work on it: checks capacity, runs the clock, gives a new lease."""
    seen = store.get(tx, task_id)
    if seen is not None and seen.state == PAUSED and seen.agent is not None:
        queue = tx.policies.queues.get(seen.queue)
        # What counted while it was paused takes no more room now.
        moves.room_for(tx, seen.agent, counts=0 if queue and queue.paused_counts else 1, queue=seen.queue)
    task, _ = moves.allowed(tx, task_id, "resume", version=version)
    return begin(tx, task, "resume")


def complete(
    tx: Tx, task_id: str, token: int | None, outcome: str | None = None, note: str | None = None,
    data: Mapping[str, Any] | None = None, version: int | None = None,
) -> Task:  # fmt: skip
    """Done. Raises InvalidInput when required items of the checklist are open."""
    task, _ = moves.allowed(tx, task_id, "complete", token, version)
    checks.verdict(task, outcome, note)
    left = drafting.open_items(task.checklist)
    if left:
        raise InvalidInput(
            f"Still open on the checklist: {'; '.join(left)}. Tick them, or mark them not applicable with a reason.",
            code="checklist_open", items=left,
        )  # fmt: skip
    tx.inverse = {"op": "reopen", "task": task.id}
    changes = {"outcome": outcome, "note": note or task.note, "data": {**task.data, **(data or {})}}
    return finish(tx, task, "complete", changes)


def finish(tx: Tx, task: Task, act: str, changes: Mapping[str, Any]) -> Task:
    """Completed or cancelled, by whoever: clocks stop, followers and the person's next work are looked at."""
    done = "completed" if act in ("complete", "finish", "finish_instead") else "cancelled"
    state = {"completed": COMPLETED, "cancelled": CANCELLED}[done]
    ends: dict[str, Any] = {"state": state, "paused_reason": None, "paused_until": None, "paused_at": None}
    ends["blocked_by"] = []
    if state == COMPLETED:
        ends |= {"completed_at": tx.now, "completed_by": tx.by.agent or task.agent}
    store.end_pause(tx, task)
    ends |= clocks.stopped(tx, task, met=state == COMPLETED)
    moved = moves.move(tx, task, act, {**changes, **ends})
    questions.lapse(tx, task.id)
    tx.emit(f"task.{done}", task.id, {"kind": task.kind, "agent": task.agent, "act": act})
    if task.checks:
        tx.emit("check.settled", task.id)
    if task.file:
        tx.emit("file.changed", task.file)
    moves.freed(tx, task.agent)
    return moved


def cancel(tx: Tx, task_id: str, reason: str, version: int | None = None, act: str = "cancel") -> Task:
    """No longer needed."""
    task, _ = moves.allowed(tx, task_id, act, version=version)
    tx.inverse = {"op": "restore", "task": task.id}
    return finish(tx, task, act, {"outcome": reason})


def assign(tx: Tx, task_id: str, agent: str, version: int | None = None) -> Task:
    """A manager gives it to a person: pinned, the old token dead."""
    return _give(tx, task_id, agent, "assign", None, version, None)


def hand_over(
    tx: Tx, task_id: str, to: str, note: str | None = None, token: int | None = None, version: int | None = None
) -> Task:
    """Its person (or a manager) passes it on to a colleague: pinned, notes kept, the old token dead."""
    return _give(tx, task_id, to, "hand_over", token, version, note)


def take_back(tx: Tx, task_id: str, to: str) -> Task:
    """Undo of a gift that nobody has started: it goes back to whom it was with."""
    return _give(tx, task_id, to, "take_back", None, None, None)


def _give(tx: Tx, task_id: str, to: str, act: str, token: int | None, version: int | None, note: str | None) -> Task:
    seen = store.get(tx, task_id)
    moves.room_for(tx, to, queue=seen.queue if seen else None)
    task, _ = moves.allowed(tx, task_id, act, token, version)
    if seen is not None and task.queue != seen.queue:
        moves.room_for(tx, to, queue=task.queue)
    if task.agent == to:
        raise Conflict(f"{to} has this task already.", code="already_assigned", holder=to)
    moves.refuse_excluded(tx, task, to)
    store.end_pause(tx, task)
    tx.inverse = (
        {"op": "assign", "task": task.id, "agent": task.agent} if task.agent else {"op": "unassign", "task": task.id}
    )
    given = {"state": ASSIGNED, "agent": to, "pinned": True, "given_at": tx.now, "waiting_reasons": None}
    given |= {"paused_reason": None, "paused_until": None, "paused_at": None, "note": note or task.note}
    given |= clocks.recount(tx, task)
    moved = moves.move(tx, task, act, given, {"was": task.agent})
    tx.emit("task.given", task.id, {"agent": to, "way": act})
    moves.tell_if_late(tx, moved, task.agent)
    moves.freed(tx, task.agent)
    return moved


def unassign(tx: Tx, task_id: str, version: int | None = None) -> Task:
    """Back to the queue: the inverse of an assignment that has not been started."""
    task, _ = moves.allowed(tx, task_id, "unassign", version=version)
    return moves.back_to_queue(tx, task, "unassign", {})


def patch(tx: Tx, task_id: str, version: int, changes: Mapping[str, Any]) -> Task:
    """Checklist, note, priority, data or due time; needs the version that was read."""
    task, _ = moves.allowed(tx, task_id, "patch", version=version)
    if changes.get("due_at", task.due_at) != task.due_at and tx.by.is_person and not moves.oversees(tx, task):
        raise Forbidden("When it is due is for a manager to change: ask yours.", field="due_at", holder=task.agent)
    return _patch(tx, task, checks.patched(task, changes))


def unpatch(tx: Tx, task_id: str, old: Mapping[str, Any]) -> Task:
    """Undo: the columns a patch has changed, as they were."""
    task, _ = moves.allowed(tx, task_id, "patch")
    return _patch(tx, task, checks.restored(old))


def _patch(tx: Tx, task: Task, wanted: dict[str, Any]) -> Task:
    tx.inverse = {"op": "patch", "task": task.id, "changes": checks.kept(task, wanted)}
    if {"due_at", "explicit_due", "priority"} & wanted.keys():
        row = {n: getattr(task, n) for n in Task.__slots__} | wanted
        wanted |= clocks.retarget(tx, row)
    was = {n: moves.plain(getattr(task, n)) for n in PROMISED if n in wanted and wanted[n] != getattr(task, n)}
    return moves.move(tx, task, "patch", wanted, {"was": was} if was else None)
