"""The claim: one button, the one task that matters most for the caller now, or the reason for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.agents import service as agents
from taskhub.agents.availability import present
from taskhub.agents.capacity import effective, minutes_left
from taskhub.assignment import eligibility, in_force, needs, passes, pull, store, swift, take
from taskhub.assignment.codec import as_agent, as_queue, to_moment
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts, TaskFacts
from taskhub.assignment.queries import dear
from taskhub.db import idempotency
from taskhub.db.history import Entry
from taskhub.db.idempotency import Call, Stored
from taskhub.db.tx import Tx
from taskhub.errors import Forbidden, InvalidInput, NotEligible
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.tasks import mirrored, timers
from taskhub.tasks import service as tasks
from taskhub.tasks.model import PAUSED, QUEUED, Lease, Task
from taskhub.tasks.shape import Shape

HELD = ("held", "held_minutes", "held_by_queue", "kinds_today")
NOTHING, FULL, NOT_AVAILABLE = "nothing_eligible", "at_capacity", "not_available"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave: task and lease, or the reason for nothing; ``before``: the reply it got the first time.

    ``warn_at``: when the task's clock warns, by its id, where that is known.
    """

    task: Task | None = None
    lease: Lease | None = None
    reason: str | None = None
    before: Stored | None = None
    warn_at: Mapping[str, datetime | None] | None = None


def claim(tx: Tx, queues: Sequence[str] | None = None, call: Call | None = None) -> Claim:
    """The caller's own work first, else the head of what they may take. Raises Forbidden, NotEligible, InvalidInput.

    ``call`` names what came with an Idempotency-Key. Its twin waits at the caller's row; only behind that lock is the
    first reply looked for.
    """
    return _step_by_step(tx, queues, call) if tx.lite else _swiftly(tx, queues, call)


def _swiftly(tx: Tx, queues: Sequence[str] | None, call: Call | None) -> Claim:
    locked = swift.lock(tx, _caller(tx), [queue.key for queue in dear.front_line(tx)])
    failpoint("claim.locked")
    if locked is not None and _is_offline(tx, locked.person):
        # That they are here now is an act of its own, with its own history.
        swift.let_go(tx)
        return _step_by_step(tx, queues, call)
    me = _there(tx, locked.person if locked else None)
    named = _named(tx, queues)
    now = in_force.of(tx.policies, named, locked.switches, locked.stopped, locked.states) if locked else None
    served = now.queues if now else {}
    if locked is not None and now is not None and now.needs:
        me = _with_needs(tx, me, locked, now.needs)
    shapes = _known(tx, locked.shapes if locked else (), served)
    may = eligibility.may_take_shapes(me, tuple(shapes.values()), served, tx.now, plugins())
    refused = {id_: (shape, may.refused[shape]) for id_, shape in shapes.items() if shape in may.refused}
    allowed = {id_: shape for id_, shape in shapes.items() if id_ not in refused}
    found = swift.take(tx, me, served, allowed, refused, call)
    failpoint("claim.taken")
    if found.before is not None:
        return Claim(before=found.before)
    me = replace(me, held=found.held, held_minutes=found.held_minutes, held_by_queue=found.held_by_queue)
    mine = start_own(tx, me, queues) if found.own is not None else Claim()
    if mine.task is not None:
        return mine
    if found.task is not None:
        _told(tx, "pull", found.task)
        # Its row of history was written beside the others by the statement that took it.
        change = {"state": found.task.state, "from": QUEUED, "agent": found.task.agent}
        tx.heard(tx, (Entry("task", found.task.id, "claim", change, found.task.seq),))
        tx.count("taskhub_changes_total", "task", "claim")
        return Claim(found.task, found.lease, warn_at={found.task.id: found.warn_at})
    return Claim(reason=_not_now(tx, me) or NOTHING)


def _with_needs(tx: Tx, me: AgentFacts, locked: swift.Locked, needed: frozenset[str]) -> AgentFacts:
    """What the lock has read already, and for the rest the dear way; the day's kinds are counted by the take."""
    front = {queue.key: queue for queue in dear.front_line(tx)}
    if needs.FRONT_LINE in needed and front:
        waiting = _known(tx, locked.front_line, front)
        me = replace(me, front_line_waiting=dear.front_line_for(me, tuple(waiting.values()), front))
    rest = needed - {needs.FRONT_LINE, needs.KINDS}
    return replace(me, **dear.of(tx, [locked.row], dear.Wanted(rest, None)).get(me.key, {})) if rest else me


def _step_by_step(tx: Tx, queues: Sequence[str] | None, call: Call | None) -> Claim:
    now = passes.in_force_now(tx, _named(tx, queues))
    me = locked_caller(tx, now.needs)
    before = idempotency.find(tx.conn, call, tx.real_now) if call else None
    if before is not None:
        return Claim(before=before)
    mine = start_own(tx, me, queues)
    if mine.task is not None:
        return mine
    reason = _not_now(tx, me)
    if reason is not None:
        return Claim(reason=reason)
    offered = take.offer(tx, me, now.queues)
    found = take.first(tx, offered)
    if found is None:
        return Claim(reason=NOTHING)
    failpoint("claim.chosen")
    task = tasks.get(tx, found)
    return taken(tx, offered, task, take.passed_over(tx, offered, task.start_by))


def start_own(tx: Tx, me: AgentFacts, queues: Sequence[str] | None) -> Claim:
    """What is mine already: ended snoozes while they fit, then what I was given."""
    mine = take.own(tx, me, queues, passes.paused_queues(tx))
    if mine is None:
        return Claim(reason=NOTHING)
    task = tasks.get(tx, mine)
    return Claim(*tasks.begin(tx, task, "resume" if task.state == PAUSED else "start"))


def locked_caller(tx: Tx, needed: frozenset[str]) -> AgentFacts:
    """The caller's facts, their row locked."""
    key, paused = _caller(tx), passes.paused_queues(tx)
    me = store.person(tx, key, paused, lock=True, needs=needed)
    if me is not None and me.active and _is_offline(tx, me):
        agents.came_back(tx, agents.get_agent(tx, key))
        store.wake_up(tx, key)
        timers.back(tx, key)
        me = store.person(tx, key, paused, lock=False, needs=needed)
    return _there(tx, me)


def _caller(tx: Tx) -> str:
    if tx.by.agent is None:
        raise Forbidden("Only a key that belongs to an agent can take tasks.", code="not_an_agent")
    return tx.by.agent


def _there(tx: Tx, me: AgentFacts | None) -> AgentFacts:
    if me is None or not me.active:
        raise NotEligible("You are no longer active and get no work.", reasons=["inactive"])
    return me


def _is_offline(tx: Tx, me: AgentFacts) -> bool:
    return present(me.presence, me.presence_until, tx.now) == "offline"


def _not_now(tx: Tx, me: AgentFacts) -> str | None:
    if present(me.presence, me.presence_until, tx.now) != "available":
        return NOT_AVAILABLE
    fits = effective(me.capacity, me.ramp_share, me.ramp_until, tx.now)
    return FULL if me.held >= fits or not minutes_left(me.capacity_minutes, me.held_minutes) else None


def _named(tx: Tx, wanted: Sequence[str] | None) -> Sequence[str]:
    known = tx.policies.queues
    unknown = next((key for key in wanted or () if key not in known), None)
    if unknown is not None:
        raise InvalidInput(f"There is no queue {unknown!r}. Queues: {', '.join(sorted(known))}.", code="unknown_queue")
    return wanted if wanted is not None else tuple(known)


_shapes: dict[str, Shape] = {}


def _known(tx: Tx, ids: Sequence[str], queues: Mapping[str, Any]) -> dict[str, Shape]:
    """Shapes by id; a shape never changes, so each is read once per process."""
    known = _named_shapes(tx, ids)
    return {id_: known[id_] for id_ in ids if known[id_].queue in queues}


def _named_shapes(tx: Tx, ids: Sequence[str]) -> Mapping[str, Shape]:
    if any(id_ not in _shapes for id_ in ids):
        _shapes.update(store.shapes(tx, None))
    return _shapes


def taken(
    tx: Tx, offered: take.Offer, task: Task, over: Sequence[Any], *, picked: bool = False, reason: str | None = None
) -> Claim:
    """Records the gift with what was seen, and starts it."""
    shapes, me = {**offered.allowed, **offered.refused}, offered.person
    out = store.excluded(tx, [task.id, *[row.id for row in over]])
    skipped = [store.facts_of(row, shapes, out) for row in over]
    seen = tuple((t, pull.against(me, t, offered.queues[t.queue], tx.now, plugins())) for t in skipped)
    row = store.facts_of(task, shapes, out)
    used = {t.queue: offered.queues[t.queue] for t in (*skipped, row)}
    facts = pull.PullFacts(tx.now, me, used, row, seen, picked, tx.policies.hash)
    seen_by = {"pull": json.loads(pull.pull_to_json(facts))}
    note(tx, "pull", task, me.key, seen_by, offered.queues[task.queue].model)
    failpoint("claim.noted")
    started, lease = tasks.begin(tx, task, "claim", {"reason": reason} if reason else None)
    tx.inverse = {"op": "release", "task": task.id}
    return Claim(started, lease)


def note(tx: Tx, way: str, task: Task, agent: str | None, facts: dict[str, Any], model: str | None = None) -> None:
    """One decision record of work that was pulled or given by hand; ``model`` is the one that held."""
    row = {
        "id": new_id(), "task": task.id, "pass_id": None, "way": way, "at": tx.now, "outcome": "assigned",
        "agent": agent, "facts": facts, "strategy": None, "strategy_version": None,
        "model": model, "policy_hash": tx.policies.hash,
    }  # fmt: skip
    store.save_decisions(tx, [row])
    _told(tx, way, task)


def _told(tx: Tx, way: str, task: Task) -> None:
    tx.count("taskhub_decisions_total", way, "assigned", task.queue)
    tx.note("decided_assigned", task.id)
    mirrored.changed(tx, task)
    tx.note("event", task.event)


def read_record(tx: Tx, raw: Mapping[str, Any]) -> pull.PullFacts:
    """A stored pull, whichever way it was written."""
    if "over" not in raw:
        return pull.pull_from_json(json.dumps(raw))
    shapes = _named_shapes(tx, [raw["task"][1], *(row[1] for row in raw["over"])])
    held = {name: raw[name] for name in HELD if name in raw}
    return pull.PullFacts(
        now=to_moment(raw["now"]), agent=as_agent({**raw["agent"], **held}),
        queues={q["key"]: as_queue(dict(q)) for q in raw["queues"]}, taken=_task(raw["task"], shapes),
        passed_over=tuple((_task(row[:8], shapes), tuple(row[8])) for row in raw["over"]), picked=raw["picked"],
        policy_hash=raw["policy"], engine_version=raw["engine"],
    )  # fmt: skip


def _task(row: Sequence[Any], shapes: Mapping[str, Shape]) -> TaskFacts:
    id_, shape, start_by, created_at, weight, minutes, due_at, out = row
    due = to_moment(due_at) if due_at else None
    return TaskFacts(id_, shapes[shape], to_moment(start_by), to_moment(created_at), weight, minutes, due, out)
