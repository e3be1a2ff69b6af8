"""The ladder of a task: looked at when something may be due; each step fires once, with all its effects in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from taskhub.db.tx import SYSTEM, Tx
from taskhub.escalation import addressing, effects, ladder, record, store, telling
from taskhub.escalation.effects import Done, Relief
from taskhub.escalation.ladder import Facts, Rung
from taskhub.escalation.notifications.tell import of_task as notices_of
from taskhub.escalation.people import concern_of, directory_of
from taskhub.escalation.record import Fired
from taskhub.failpoints import failpoint
from taskhub.policy.promise import FIRST_START, EscalationPolicy
from taskhub.tasks import clocks, moves, queries
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, SET_ASIDE, Task

__all__ = ["facts_of", "fired_of", "held", "notices_of", "of_task", "on_fall", "step_due"]

TIMER = "escalation.step"
HELD = -1  # the step under which it is recorded that work set aside was not taken up again


def step_due(tx: Tx, task_id: str) -> None:
    """Fires every step due by now, in due order, and sets the timer to the next one. Nothing due: only the timer."""
    seen = tasks.get(tx, task_id)
    policy = ladder.policy_of(tx.policies, seen.sla)
    if policy is None:
        return
    relief = _lock_relief(tx, seen, policy)
    task = moves.locked(tx, task_id)
    for rung in _due(tx, task, policy):
        if relief is None and policy.steps[rung.step].reassign == "leader":
            # It fell due between the look and the lock, and the leader's row comes before the task's: look again.
            break
        task = _fire(tx, task, policy, rung, relief)
    _set_timer(tx, task, policy)


def on_fall(tx: Tx, task_id: str) -> None:
    """A warning or breach is on record: its ladder is looked at."""
    step_due(tx, task_id)


def looks(tx: Tx, ids: Sequence[str]) -> Sequence[str]:
    """Looks at the ladders of many tasks in one transaction, and fires what is due. Returns those it is done with.

    Where a step that is due may hand the task up it locks a person, and people come before tasks: left to ``step_due``.
    """
    queries.lock_ahead(tx, sorted(set(ids)))
    store.read_ahead(tx, ids)
    return [task_id for task_id in dict.fromkeys(ids) if _looked(tx, task_id)]


def _looked(tx: Tx, task_id: str) -> bool:
    task = moves.locked(tx, task_id)
    policy = ladder.policy_of(tx.policies, task.sla)
    if policy is None:
        return True
    due = _due(tx, task, policy)
    if any(policy.steps[rung.step].reassign == "leader" for rung in due):
        return False
    for rung in due:
        task = _fire(tx, task, policy, rung, None)
    _set_timer(tx, task, policy)
    return True


def held(tx: Tx, task_id: str) -> None:
    """Work set aside at the end of its lease has lain for ``hold_for``: the leader is told, once each time."""
    task = moves.locked(tx, task_id)
    queue = tx.policies.queues.get(task.queue)
    if task.state != PAUSED or task.paused_reason != SET_ASIDE or task.paused_at is None or queue is None:
        return
    if queries.put_aside_by(tx, task_id) != SYSTEM.label:
        # A person has put it aside since, until a date of their own.
        return
    due = tx.policies.calendar_of(task.queue).add(task.paused_at, queue.hold_for)
    past = [row for row in store.steps(tx, task.id) if row.step == HELD]
    if any(row.due_at == due or row.due_at > task.paused_at for row in past):
        return
    if due > tx.now:
        # The queue's time or its calendar has changed since: the leader is told when that has passed.
        tx.emit("task.held", task.id, {"agent": task.agent}, due_at=due)
        return
    told = telling.set_aside(tx, task)
    _record(tx, task, Rung(HELD, len(past), due), SET_ASIDE, {"notified": told})


def of_task(tx: Tx, task_id: str) -> list[Any]:
    """What has fired for a task, oldest first: step, repetition, policy, due_at, at, effects."""
    return store.steps(tx, task_id)


# ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────────────
def facts_of(tx: Tx, task: Task) -> Facts | None:
    """What its ladder is judged by; None: no ladder runs for this task, or no longer."""
    if not task.is_open or task.acknowledged_at is not None:
        return None
    named = {one.name: one for one in clocks.of(tx, task)}
    clock = named.get("completion")
    if clock is None:
        return None
    calendar = tx.policies.calendar_of(task.queue)
    return Facts(clock, calendar, task.paused_at, task.ladder_from, task.kind, named.get("first_start"))


def fired_of(tx: Tx, task: Task, policy: EscalationPolicy) -> dict[tuple[int, int], Fired]:
    """What is on record of its ladders, by (step, repetition).

    What fired on a ladder that is gone from the files counts for the one it climbs now: it has another name, or took
    the place of the one that went.
    """
    ours = tx.policies.escalations
    return {
        (row.step, row.repetition): record.read(row, row.policy if row.policy in ours else policy.key)
        for row in store.steps(tx, task.id)
        if row.step >= 0
    }


def _due(tx: Tx, task: Task, policy: EscalationPolicy) -> list[Rung]:
    facts = facts_of(tx, task)
    return ladder.due_steps(policy, fired_of(tx, task, policy), facts, tx.now) if facts else []


def _set_timer(tx: Tx, task: Task, policy: EscalationPolicy) -> None:
    facts = facts_of(tx, task)
    rung = ladder.next_step(policy, fired_of(tx, task, policy), facts) if facts else None
    if rung is None:
        tx.cancel(TIMER, task.id)
    else:
        tx.emit(TIMER, task.id, due_at=rung.due_at)


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _lock_relief(tx: Tx, task: Task, policy: EscalationPolicy) -> Relief | None:
    """The person a step due now would hand the task up to, locked; None where no such step is due."""
    handing_up = any(step.reassign == "leader" for step in policy.steps)
    if not handing_up or not any(policy.steps[rung.step].reassign == "leader" for rung in _due(tx, task, policy)):
        return None
    concern = concern_of(tx, task)
    return effects.lock_relief(tx, addressing.leader_at_work(concern, directory_of(tx, concern, ())), task)


def _fire(tx: Tx, task: Task, policy: EscalationPolicy, rung: Rung, relief: Relief | None) -> Task:
    step = policy.steps[rung.step]
    moved, done = effects.apply(tx, task, step, relief)
    failpoint("step.done")
    # People are told as things stood: "agent" means who held it until now.
    start_by = rung.promise.due_at if rung.promise and step.target == FIRST_START else None
    before = replace(moved, agent=task.agent)
    told = telling.step(tx, before, step.notify, done, urgent=not step.quiet_hours, start_by=start_by)
    _record(tx, task, rung, policy.key, done | {"notified": told})
    return moved


def _record(tx: Tx, task: Task, rung: Rung, policy: str, done: Done) -> None:
    row = {"task": task.id, "step": rung.step, "repetition": rung.repetition, "policy": policy, "due_at": rung.due_at}
    kept = {"mark": rung.mark, "promise": rung.promise.row() if rung.promise else None}
    store.record(tx, row | kept | {"at": tx.now, "effects": done})
    failpoint("step.noted")
    change = {"policy": policy, "step": rung.step, "repetition": rung.repetition, "due": rung.due_at.isoformat()}
    tx.record("escalation", task.id, "fire", change | done)
