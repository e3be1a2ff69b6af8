"""Giving work by name: the pick of one's own, the gift by hand. Each writes its decision in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskhub.access import service as access
from taskhub.assignment import customer, passes, pull, store, take
from taskhub.assignment.claim import Claim, claim, locked_caller, note, taken
from taskhub.assignment.installed import plugins
from taskhub.assignment.manual import manual
from taskhub.assignment.model import AgentFacts, TaskFacts
from taskhub.assignment.why import why
from taskhub.db.tx import Tx
from taskhub.errors import Forbidden, InvalidInput, NotEligible, NotFound
from taskhub.tasks import moves, second_look
from taskhub.tasks import service as tasks
from taskhub.tasks.model import QUEUED, Task

__all__ = ["Claim", "assign", "claim", "claim_one", "hand_over", "reopen", "take_back", "why"]


def claim_one(tx: Tx, task_id: str, reason: str | None, version: int | None = None) -> Claim:
    """This very task, for a reason ("customer on the line"). Raises NotEligible with every reason against it."""
    now = passes.in_force_now(tx, tuple(tx.policies.queues))
    me = locked_caller(tx, now.needs)
    task, _ = moves.allowed(tx, task_id, "claim", version=version)
    moves.room_for(tx, me.key, queue=task.queue)
    queue = tx.policies.queues[task.queue]
    if queue.pick == "never":
        raise Forbidden(f"Tasks of {queue.name} are not picked; ask for the next one.", code="pick_forbidden")
    if not (reason or "").strip() and customer.is_same(tx, task, me.key):
        reason = customer.SAME_CUSTOMER
    if queue.pick == "reason" and not (reason or "").strip():
        raise InvalidInput("Taking a particular task needs a reason.", code="reason_missing")
    offered = take.offer(tx, me, {task.queue: now.queues[task.queue]})
    row = _facts(tx, task, {**offered.allowed, **offered.refused})
    against = pull.against(me, row, offered.queues[task.queue], tx.now, plugins())
    if against:
        raise NotEligible(f"You may not take this task: {', '.join(against)}.", reasons=list(against))
    return taken(tx, offered, task, [], picked=True, reason=reason)


def _facts(tx: Tx, task: Task, shapes: Any) -> TaskFacts:
    return store.facts_of(task, shapes, store.excluded(tx, [task.id]))


def assign(tx: Tx, task_id: str, agent: str, version: int | None = None) -> Task:
    """A manager's gift; what they override stands on record, what nobody may override refuses."""
    return _by_hand(tx, tasks.assign(tx, task_id, agent, version), agent, strict=False)


def hand_over(
    tx: Tx, task_id: str, to: str, note: str | None = None, token: int | None = None, version: int | None = None
) -> Task:
    """A colleague's gift: the receiver must be eligible, unless a manager says otherwise."""
    task = tasks.hand_over(tx, task_id, to, note, token, version)
    return _by_hand(tx, task, to, strict=not moves.oversees(tx, task))


def take_back(tx: Tx, task_id: str, to: str) -> Task:
    """Undo of a gift: what nobody may override refuses."""
    return _by_hand(tx, tasks.take_back(tx, task_id, to), to, strict=False)


def reopen(
    tx: Tx, task_id: str, reason: str | None = None, version: int | None = None, act: str = "reopen", *,
    note_: str | None = None,
) -> Task:  # fmt: skip
    """Rework, to the last person if they may take it; recorded as a decision when it goes to a person.

    ``note_`` replaces the task's note. Checks of the work that nobody has begun are no longer wanted.
    """
    before = tasks.get(tx, task_id)
    to_last = before.agent is not None and (before.agent == tx.by.agent or _fits(tx, before, before.agent))
    task = tasks.reopen(tx, task_id, reason, version, act, to_last=to_last, note=note_)
    second_look.withdraw(tx, task_id)
    if task.agent is not None and task.state != QUEUED:
        note(tx, "manual", task, task.agent, {"by": tx.by.label, "overridden": []})
    return task


def _fits(tx: Tx, task: Task, agent: str) -> bool:
    if task.queue not in tx.policies.queues:
        return False
    now = passes.in_force_now(tx, [task.queue])
    person = store.person(tx, agent, passes.paused_queues(tx), lock=True, needs=now.needs)
    if person is None:
        return False
    row = _facts(tx, task, store.shapes(tx, [task.queue]))
    return not pull.against(person, row, now.queues[task.queue], tx.now, plugins())


def _without(person: AgentFacts, task: Task) -> AgentFacts:
    """The person as they stood before they had this task."""
    here = {**person.held_by_queue, task.queue: max(0, person.held_by_queue.get(task.queue, 0) - 1)}
    left = max(0.0, person.held_minutes - task.minutes)
    kinds = {**person.kinds_today, task.kind: max(0, person.kinds_today.get(task.kind, 0) - 1)}
    held = max(0, person.held - 1)
    return replace(person, held=held, held_minutes=left, held_by_queue=here, kinds_today=kinds)


def _by_hand(tx: Tx, task: Task, agent: str, *, strict: bool) -> Task:
    queues = (now := passes.in_force_now(tx, [task.queue])).queues
    person = store.person(tx, agent, passes.paused_queues(tx), lock=False, needs=now.needs)
    if person is None:
        raise NotFound(f"There is no agent {agent!r}.")
    if not access.works(tx, agent):
        said = f"{agent} has no role that works on tasks. Give it to somebody else, or give them the role agent."
        raise NotEligible(said, reasons=["no_role"], agent=agent)
    before = _without(person, task)
    row = _facts(tx, task, store.shapes(tx, [task.queue]))
    verdict = manual(before, row, queues[task.queue], tx.now, plugins())
    against = verdict.refused or (verdict.overridden if strict else ())
    if against:
        raise NotEligible(f"{agent} may not take this task: {', '.join(against)}.", reasons=list(against), agent=agent)
    told = {"by": tx.by.label, "overridden": list(verdict.overridden)}
    note(tx, "manual", task, agent, told, queues[task.queue].model)
    return task
