"""Giving work: the claim, the pick, the gift by hand. Each writes its decision record in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.agents.availability import present
from taskhub.assignment import passes, pull, store, take
from taskhub.assignment.installed import plugins
from taskhub.assignment.manual import manual
from taskhub.assignment.model import AgentFacts, QueueFacts, TaskFacts
from taskhub.db.tx import Tx
from taskhub.errors import Forbidden, InvalidInput, NotEligible, NotFound
from taskhub.ids import new_id
from taskhub.tasks import moves
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, QUEUED, Lease, Task

NOTHING, FULL, NOT_AVAILABLE = "nothing_eligible", "at_capacity", "not_available"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave: task and lease, or the reason for nothing."""

    task: Task | None = None
    lease: Lease | None = None
    reason: str | None = None


def claim(tx: Tx, queues: Sequence[str] | None = None) -> Claim:
    """The one task that matters most for the caller now: their own first, else the head of what they may take."""
    me = _me(tx)
    mine = take.own(tx, me.key, queues)
    if mine is not None:
        return _start_own(tx, tasks.get(tx, mine))
    reason = _not_now(me, tx)
    if reason is not None:
        return Claim(reason=reason)
    offered = take.offer(tx, me, _queues(tx, queues))
    found = take.first(tx, offered)
    if found is None:
        return Claim(reason=NOTHING)
    task = tasks.get(tx, found)
    over = take.passed_over(tx, offered, task.start_by)
    return _taken(tx, me, offered, task, over, picked=False)


def claim_one(tx: Tx, task_id: str, reason: str | None, version: int | None = None) -> Claim:
    """This very task, for a reason ("customer on the line"). Raises NotEligible with every reason against it."""
    me = _me(tx)
    task, _ = moves.allowed(tx, task_id, "claim", version=version)
    queue = tx.policies.queues[task.queue]
    if queue.pick == "never":
        raise Forbidden(f"Tasks of {queue.name} are not picked; ask for the next one.", code="pick_forbidden")
    if queue.pick == "reason" and not (reason or "").strip():
        raise InvalidInput("Taking a particular task needs a reason.", code="reason_missing")
    moves.room_for(tx, me.key)
    offered = take.offer(tx, me, _queues(tx, [task.queue]))
    shape = (offered.allowed | offered.refused)[task.shape]
    row = _facts(tx, task, {task.shape: shape})
    against = pull.against(me, row, offered.queues[task.queue], tx.now, plugins())
    if against:
        raise NotEligible(f"You may not take this task: {', '.join(against)}.", reasons=list(against))
    return _taken(tx, me, offered, task, [], picked=True, reason=reason)


def _me(tx: Tx) -> AgentFacts:
    if tx.by.agent is None:
        raise Forbidden("Only a key that belongs to an agent can take tasks.", code="not_an_agent")
    me = store.person(tx, tx.by.agent, passes.paused_queues(tx), lock=True)
    if me is None or not me.active:
        raise NotEligible("You are no longer active and get no work.", reasons=["inactive"])
    if present(me.presence, me.presence_until, tx.now) == "offline":
        store.wake_up(tx, me.key)
        return replace(me, presence="available", presence_until=None)
    return me


def _not_now(me: AgentFacts, tx: Tx) -> str | None:
    if present(me.presence, me.presence_until, tx.now) != "available":
        return NOT_AVAILABLE
    return FULL if me.held >= me.capacity else None


def _queues(tx: Tx, wanted: Sequence[str] | None) -> dict[str, QueueFacts]:
    known = tx.policies.queues
    unknown = [key for key in wanted or () if key not in known]
    if unknown:
        raise InvalidInput(
            f"There is no queue {unknown[0]!r}. Queues: {', '.join(sorted(known))}.", code="unknown_queue"
        )
    return passes.facts(tx, [known[key] for key in (wanted if wanted is not None else known)])


def _start_own(tx: Tx, task: Task) -> Claim:
    started, lease = tasks.begin(tx, task, "resume" if task.state == PAUSED else "start")
    return Claim(started, lease)


def _facts(tx: Tx, task: Task, shapes: Any) -> TaskFacts:
    return store.facts_of(task, shapes, store.excluded(tx, [task.id]))


def _taken(
    tx: Tx, me: AgentFacts, offered: take.Offer, task: Task, over: Sequence[Any], *, picked: bool,
    reason: str | None = None,
) -> Claim:  # fmt: skip
    shapes = {**offered.allowed, **offered.refused}
    out = store.excluded(tx, [task.id, *[row.id for row in over]])
    skipped = [store.facts_of(row, shapes, out) for row in over]
    seen = tuple((t, pull.against(me, t, offered.queues[t.queue], tx.now, plugins())) for t in skipped)
    row = store.facts_of(task, shapes, out)
    used = {t.queue: offered.queues[t.queue] for t in (*skipped, row)}
    facts = pull.PullFacts(tx.now, me, used, row, seen, picked, tx.policies.hash)
    _record(tx, "pull", task, me.key, {"pull": pull.pull_to_json(facts)})
    started, lease = tasks.begin(tx, task, "claim", {"reason": reason} if reason else None)
    tx.inverse = {"op": "release", "task": task.id}
    return Claim(started, lease)


def _record(tx: Tx, way: str, task: Task, agent: str | None, facts: dict[str, Any]) -> None:
    queue = tx.policies.queues.get(task.queue)
    row = {
        "id": new_id(), "task": task.id, "pass_id": None, "way": way, "at": tx.now, "outcome": "assigned",
        "agent": agent, "facts": facts, "strategy": None, "strategy_version": None,
        "model": queue.staffing.model if queue else None, "policy_hash": tx.policies.hash,
    }  # fmt: skip
    store.save_decisions(tx, [row])


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def assign(tx: Tx, task_id: str, agent: str, version: int | None = None) -> Task:
    """A manager's gift; what they override stands on record, what nobody may override refuses."""
    return _by_hand(tx, tasks.assign(tx, task_id, agent, version), agent, strict=False)


def hand_over(
    tx: Tx, task_id: str, to: str, note: str | None = None, token: int | None = None, version: int | None = None
) -> Task:
    """A colleague's gift: the receiver must be eligible, unless a manager says otherwise."""
    task = tasks.hand_over(tx, task_id, to, note, token, version)
    return _by_hand(tx, task, to, strict=not moves.oversees(tx, task))


def reopen(tx: Tx, task_id: str, reason: str | None = None, version: int | None = None) -> Task:
    """Rework, recorded as a decision when it goes to a person."""
    task = tasks.reopen(tx, task_id, reason, version)
    if task.agent is not None and task.state != QUEUED:
        _record(tx, "manual", task, task.agent, {"by": tx.by.label, "overridden": []})
    return task


def _by_hand(tx: Tx, task: Task, agent: str, *, strict: bool) -> Task:
    person = store.person(tx, agent, passes.paused_queues(tx), lock=False)
    if person is None:
        raise NotFound(f"There is no agent {agent!r}.")
    before = replace(person, held=max(0, person.held - 1))
    queues = _queues(tx, [task.queue])
    row = _facts(tx, task, store.shapes(tx, [task.queue]))
    verdict = manual(before, row, queues[task.queue], tx.now, plugins())
    against = verdict.refused or (verdict.overridden if strict else ())
    if against:
        raise NotEligible(f"{agent} may not take this task: {', '.join(against)}.", reasons=list(against), agent=agent)
    _record(tx, "manual", task, agent, {"by": tx.by.label, "overridden": list(verdict.overridden)})
    return task
