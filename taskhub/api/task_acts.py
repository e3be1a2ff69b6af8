"""What people do with one task. Each route is one act; who may do it in which state stands in tasks/lifecycle.py."""

from __future__ import annotations

from typing import Any

from taskhub.acts import completed
from taskhub.api import seen, shown
from taskhub.api.bodies import (
    Assign,
    Call,
    Cancel,
    ChangeKind,
    Complete,
    HandOver,
    Pause,
    Reasoned,
    Renew,
    Reopen,
)
from taskhub.assignment import customer
from taskhub.assignment import service as assignment
from taskhub.db.tx import Tx
from taskhub.http.edge import act
from taskhub.http.inputs import Id
from taskhub.http.route import router
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Lease, Task

routes = router("tasks")
WORK = "task.work"


@routes.post("/tasks/{id}/start")
@act(WORK, "task.start")
def start(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
    """Begins an assigned task: it is leased from now."""
    seen.task(tx, id, WORK)
    return _leased(tx, tasks.start(tx, id, body.version))


@routes.post("/tasks/{id}/renew")
@act(WORK, "task.renew", vital=True)
def renew(tx: Tx, id: Id, body: Renew) -> dict[str, Any]:
    """The screen is alive: every lease of the caller gets a new term."""
    seen.task(tx, id, WORK)
    return _leased(tx, tasks.renew(tx, id, body.lease_token))


@routes.post("/tasks/{id}/release")
@act(WORK, "task.release")
def release(tx: Tx, id: Id, body: Reasoned) -> dict[str, Any]:
    """Gives a task back to its queue, at its old place."""
    seen.task(tx, id, WORK)
    return _task(tx, tasks.release(tx, id, body.reason, body.lease_token, body.version))


@routes.post("/tasks/{id}/skip")
@act(WORK, "task.skip")
def skip(tx: Tx, id: Id, body: Reasoned) -> dict[str, Any]:
    """Not this one, for a reason from the list."""
    seen.task(tx, id, WORK)
    return _task(tx, tasks.skip(tx, id, body.reason, body.lease_token, body.version))


@routes.post("/tasks/{id}/pause")
@act(WORK, "task.pause")
def pause(tx: Tx, id: Id, body: Pause) -> dict[str, Any]:
    """Sets a started task aside, for a reason from the list and until a date."""
    seen.task(tx, id, WORK)
    return _task(tx, tasks.pause(tx, id, body.reason, body.until, body.lease_token, body.version))


@routes.post("/tasks/{id}/resume")
@act(WORK, "task.resume")
def resume(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
    """Back to work on a paused task: checks capacity, gives a new lease."""
    seen.task(tx, id, WORK)
    return _leased(tx, tasks.resume(tx, id, body.version))


@routes.post("/tasks/{id}/complete")
@act(WORK, "task.complete")
def complete(tx: Tx, id: Id, body: Complete) -> dict[str, Any]:
    """Done. The late finisher is told, never overwritten. ``more_for_customer``: what else waits for the same one."""
    seen.task(tx, id, WORK)
    done = completed.complete(tx, id, body.lease_token, body.outcome, body.note, body.data, body.version)
    return {**_task(tx, done), "more_for_customer": shown.tasks(tx, customer.more(tx, done))}


@routes.post("/tasks/{id}/hand-over")
@act(WORK, "task.hand_over")
def hand_over(tx: Tx, id: Id, body: HandOver) -> dict[str, Any]:
    """Passes a task on to a colleague."""
    seen.task(tx, id, WORK)
    return _task(tx, assignment.hand_over(tx, id, body.to.agent, body.note, body.lease_token, body.version))


@routes.post("/tasks/{id}/kind")
@act(WORK, "task.change_kind")
def change_kind(tx: Tx, id: Id, body: ChangeKind) -> dict[str, Any]:
    """It was another sort of work: waits in that kind's queue, its clock kept."""
    seen.task(tx, id, WORK)
    return _task(tx, tasks.change_kind(tx, id, body.kind, body.reason, body.lease_token, body.version))


@routes.post("/tasks/{id}/acknowledge")
@act(WORK, "task.acknowledge")
def acknowledge(tx: Tx, id: Id, body: Call = Call()) -> dict[str, Any]:  # noqa: B008
    """Somebody has seen that it is late: the ladder stops."""
    seen.task(tx, id, WORK)
    return _task(tx, tasks.acknowledge(tx, id, body.version))


@routes.post("/tasks/{id}/cancel")
@act("task.cancel")
def cancel(tx: Tx, id: Id, body: Cancel) -> dict[str, Any]:
    """No longer needed."""
    seen.task(tx, id, "task.cancel")
    return _task(tx, tasks.cancel(tx, id, body.reason, body.version))


@routes.post("/tasks/{id}/reopen")
@act("task.reopen")
def reopen(tx: Tx, id: Id, body: Reopen = Reopen()) -> dict[str, Any]:  # noqa: B008
    """Rework: back to the last person if they may take it, else to the queue."""
    seen.task(tx, id, "task.reopen")
    return _task(tx, assignment.reopen(tx, id, body.reason, body.version))


@routes.post("/tasks/{id}/assign")
@act("task.assign")
def assign(tx: Tx, id: Id, body: Assign) -> dict[str, Any]:
    """A manager gives a task to a person: it stays theirs."""
    seen.task(tx, id, "task.assign")
    return _task(tx, assignment.assign(tx, id, body.agent, body.version))


def _task(tx: Tx, task: Task) -> dict[str, Any]:
    return {"task": shown.task(tx, task)}


def _leased(tx: Tx, given: tuple[Task, Lease]) -> dict[str, Any]:
    task, lease = given
    return {"task": shown.task(tx, task, lease), "lease": shown.lease(lease)}
