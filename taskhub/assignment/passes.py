"""Push: one pass over a rotation. Reads without locks, decides, then writes in the same short transaction under locks.

Picks that no longer hold when the locks are there are dropped as overtaken, and the rotation is woken again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.assignment import eligibility, in_force, needs, reasons, record, store
from taskhub.assignment.decide import decide
from taskhub.assignment.foreign import service as foreign
from taskhub.assignment.in_force import InForce
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts, Assigned, PassResult, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.assignment.queries import people
from taskhub.assignment.registry import Plugins
from taskhub.assignment.seams import Patient
from taskhub.assignment.standing import Standing
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.policy.work import Queue
from taskhub.queues import service as staffed
from taskhub.queues.model import wanted
from taskhub.tasks import mirrored
from taskhub.tasks.shape import Shape

LOOK = 500
SPARE = 20
OWN_HISTORY = frozenset({*reasons.EXCLUSIONS, reasons.ABSENT_BEFORE_DUE, reasons.WAITS_FOR_FAVOURITE})


@dataclass(frozen=True, slots=True)
class Seen:
    """What one pass read: the snapshot, and of each task what is stored about it."""

    snapshot: Snapshot
    rows: Mapping[str, Any]
    more: bool
    plugins: Plugins


def run(tx: Tx, rotation: str) -> None:
    """One pass over every queue of ``rotation``: push queues first, then the reasons of pull queues."""
    serving_ = [queue for queue in tx.policies.queues.values() if queue.turn_key == rotation]
    for mode in ("push", "pull"):
        queues = [queue for queue in serving_ if queue.mode == mode]
        if queues:
            _pass(tx, queues)


def of_agent(tx: Tx, agent: str) -> None:
    """A person has room or has changed: one pass over every push queue that might give them work."""
    team, lent = store.team_of(tx, agent), {loan.queue for loan in people.loans(tx, [agent])[agent]}
    push = [q for q in tx.policies.queues.values() if q.mode == "push" and not q.paused]
    let_in = store.let_in(tx, team) if team else set()
    queues = [queue for queue in push if team in queue.teams or queue.key in lent or queue.key in let_in]
    if queues:
        _pass(tx, queues)


def back(tx: Tx, agent: str) -> None:
    """A person is back: they get what fits, and more once their ramp is over."""
    of_agent(tx, agent)
    seen = store.person(tx, agent, paused_queues(tx), lock=False)
    if seen is not None and seen.ramp_until is not None:
        tx.emit("absence.ended", f"ramp:{agent}", {"agent": agent}, due_at=seen.ramp_until)


def everything(tx: Tx) -> None:
    """The net: every rotation once; plug-ins that are gone are noticed."""
    foreign.note_missing(tx, in_force_now(tx, tuple(tx.policies.queues)).queues)
    for rotation in sorted({queue.turn_key for queue in tx.policies.queues.values()}):
        tx.emit("rotation.wake", rotation)


def facts(tx: Tx, queues: Sequence[Queue]) -> dict[str, QueueFacts]:
    """How each queue is served now: its file, the switch that holds, what stops it, what was found for its pool."""
    return dict(in_force_now(tx, [queue.key for queue in queues]).queues)


def in_force_now(tx: Tx, keys: Sequence[str]) -> InForce:
    """The named queues as they are served now."""
    held = staffed.held(tx, keys)
    switches = {key: {"id": one.switch.id, **wanted(one.switch)} for key, one in held.items() if one.switch}
    stopped = [key for key, one in held.items() if one.state.paused]
    return in_force.of(tx.policies, keys, switches, stopped, store.pool_states(tx, keys))


def paused_queues(tx: Tx) -> list[str]:
    """Queues whose paused work counts against capacity."""
    return [queue.key for queue in tx.policies.queues.values() if queue.paused_counts]


def _pass(tx: Tx, queues: Sequence[Queue]) -> None:
    seen, result = _decided(tx, queues)
    if not seen.snapshot.tasks:
        return
    failpoint("pass.decided")
    kept = _overtaken(tx, seen, result)
    failpoint("pass.locked")
    _write(tx, seen, kept)
    _arm(tx, seen, kept)
    if seen.more or len(kept.decisions) < len(result.decisions):
        for rotation in sorted({queue.turn_key for queue in queues}):
            tx.emit("rotation.wake", rotation)


def _decided(tx: Tx, queues: Sequence[Queue]) -> tuple[Seen, PassResult]:
    """Looks as deep as it takes: heads kept from free hands by their own history may hide others behind them."""
    served, shapes = facts(tx, queues), store.shapes(tx, [queue.key for queue in queues])
    crowd = _people(tx, queues, served, shapes)
    behind = foreign.wall(tx, served)
    behind.find_pools(crowd)
    free = sum(max(0, int(one.capacity - one.held)) for one in crowd)
    each = free + SPARE if free else 0
    while True:
        seen = _look(tx, behind, crowd, shapes, each)
        snapshot, result = behind.decided(seen.snapshot)
        if not _hidden(seen, result, each):
            behind.settle()
            return replace(seen, snapshot=snapshot), result
        each *= 8


def _people(
    tx: Tx, queues: Sequence[Queue], served: Mapping[str, QueueFacts], shapes: Mapping[str, Shape]
) -> list[AgentFacts]:
    """Everybody who might get work here: the queues' teams, who is lent to them, whom an escalation let in."""
    teams = {team for queue in queues for team in queue.teams}
    teams |= {team for shape in shapes.values() for team in shape.extra_teams}
    wanted = needs.of_push(served.values(), plugins())
    return store.people(tx, teams, paused_queues(tx), _today(tx, queues[0]), list(served), wanted)


def _look(tx: Tx, behind: foreign.Wall, crowd: Sequence[AgentFacts], shapes: dict[str, Shape], each: int) -> Seen:
    served, keys = behind.served, list(behind.served)
    rows = {row.id: row for row in store.unseen(tx, keys, LOOK)}
    more = len(rows) == LOOK
    if each:
        rows |= {row.id: row for row in store.heads(tx, shapes, each)}
    if any(row.shape not in shapes for row in rows.values()):
        # Work of a sort nobody had seen came in between: while a plug-in thought, or just now.
        shapes.update(store.shapes(tx, keys))
    out = store.excluded(tx, list(rows))
    by = _served_by(tx, served, rows)
    tasks = tuple(store.facts_of(row, shapes, out, by) for row in rows.values())
    turns = store.turns(tx, {queue.turn_key for queue in served.values()})
    snapshot = Snapshot(tx.now, served, tuple(crowd), tasks, turns, tx.policies.hash)
    return Seen(snapshot, rows, more, behind.plugins)


def _served_by(tx: Tx, served: Mapping[str, QueueFacts], rows: Mapping[str, Any]) -> dict[str, str]:
    if not needs.served_by(served.values(), plugins()):
        return {}
    return store.served_by(tx, {row.customer for row in rows.values() if row.customer})


def _hidden(seen: Seen, result: PassResult, each: int) -> bool:
    depth = Counter(row.shape for row in seen.rows.values())
    last = {seen.rows[d.task].shape: d for d in result.decisions if depth[seen.rows[d.task].shape] >= each > 0}
    return any(isinstance(d, Waiting) and not OWN_HISTORY.isdisjoint(d.reasons) for d in last.values())


def _today(tx: Tx, queue: Queue) -> datetime:
    zone = ZoneInfo(tx.policies.calendar_of(queue.key).tz)
    midnight = tx.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(tx.now.tzinfo)


def _overtaken(tx: Tx, seen: Seen, result: PassResult) -> PassResult:
    """Under the locks: from the first pick on that no longer holds all is dropped, and what stays is decided anew.

    What came after that pick was decided as if it had been made, so it may not stand.
    """
    picks = [d for d in result.decisions if isinstance(d, Assigned)]
    if not picks:
        return result
    store.lock_agents(tx, {pick.agent for pick in picks})
    waiting = store.lock_waiting(tx, [pick.task for pick in picks])
    chosen = {pick.agent for pick in picks}
    seen_people = {one.key: one for one in seen.snapshot.agents if one.key in chosen}
    room = {k: Standing(one, tx.now) for k, one in people.anew(tx, seen_people, paused_queues(tx)).items()}
    by_task = {task.id: task for task in seen.snapshot.tasks}
    for place, d in enumerate(result.decisions):
        if isinstance(d, Waiting):
            continue
        who, task = room.get(d.agent), by_task[d.task]
        full = who is None or eligibility.of_room(who, seen.snapshot.queues[task.queue], task.kind)
        if who is None or full or waiting.get(d.task) != seen.rows[d.task].seq:
            names = {kept.task for kept in result.decisions[:place]}
            tasks = tuple(t for t in seen.snapshot.tasks if t.id in names)
            return decide(replace(seen.snapshot, tasks=tasks), seen.plugins)
        who.give(task)
    return result


def _write(tx: Tx, seen: Seen, result: PassResult) -> None:
    store.save_turns(tx, result.turns)
    failpoint("pass.turned")
    known = {id_: row.waiting_reasons for id_, row in seen.rows.items()}
    new = [d for d in result.decisions if isinstance(d, Assigned) or list(d.reasons) != known[d.task]]
    if not new:
        return
    names = {d.task for d in new}
    kept = replace(seen.snapshot, tasks=tuple(t for t in seen.snapshot.tasks if t.id in names))
    stored = record.record(kept, PassResult(tuple(new), result.turns), seen.plugins, names)
    pass_id = new_id()
    store.save_pass(
        tx, pass_id, ",".join(sorted({queue.turn_key for queue in kept.queues.values()})), stored.head, stored.blocks
    )
    by_task = {t.id: t for t in seen.snapshot.tasks}
    store.save_decisions(tx, [_row(tx, d, by_task[d.task], seen.snapshot, pass_id, stored.positions) for d in new])
    for d in new:
        outcome = "assigned" if isinstance(d, Assigned) else "waiting"
        tx.count("taskhub_decisions_total", "push", outcome, by_task[d.task].queue)
        tx.note(f"decided_{outcome}", d.task)
        tx.note("event", seen.rows[d.task].event)
    failpoint("pass.noted")
    _give(tx, [d for d in new if isinstance(d, Assigned)], seen)
    failpoint("pass.given")
    store.wait(tx, [{"id": d.task, "waiting_reasons": list(d.reasons)} for d in new if isinstance(d, Waiting)])


def _arm(tx: Tx, seen: Seen, result: PassResult) -> None:
    """What waits for its favourite is looked at again when the first of these waits is over: one timer a rotation."""
    by_task = {task.id: task for task in seen.snapshot.tasks}
    for d in result.decisions:
        if isinstance(d, Waiting) and reasons.WAITS_FOR_FAVOURITE in d.reasons:
            task = by_task[d.task]
            queue = seen.snapshot.queues[task.queue]
            strategy = seen.plugins.strategy(queue.strategy, queue.strategy_version)
            ends = strategy.patience_ends(task, queue) if isinstance(strategy, Patient) else None
            tx.emit("favourite.waited", queue.turn_key, due_at=ends)


def _row(
    tx: Tx, d: Assigned | Waiting, task: TaskFacts, snapshot: Snapshot, pass_id: str, positions: Mapping[str, int]
) -> dict[str, Any]:
    queue = snapshot.queues[task.queue]
    given = isinstance(d, Assigned)
    told: dict[str, Any] = (
        {"score": list(d.score), "tie": d.tie} if isinstance(d, Assigned) else {"reasons": list(d.reasons)}
    )
    if queue.missing:
        told["missing"] = list(queue.missing)
    return {
        "id": new_id(), "task": d.task, "pass_id": pass_id, "way": "push", "at": tx.now,
        "outcome": "assigned" if given else "waiting", "agent": d.agent if isinstance(d, Assigned) else None,
        "facts": {"position": positions[d.task], **told}, "strategy": queue.strategy,
        "strategy_version": queue.strategy_version, "model": queue.model, "policy_hash": snapshot.policy_hash,
    }  # fmt: skip


def _give(tx: Tx, picks: Sequence[Assigned], seen: Seen) -> None:
    if not picks:
        return
    by_task = {t.id: t for t in seen.snapshot.tasks}
    store.offer(tx, [{"id": d.task, "agent": d.agent, "seq": seen.rows[d.task].seq + 1} for d in picks])
    for d in picks:
        change = {"state": "assigned", "from": "queued", "agent": d.agent}
        tx.record("task", d.task, "offer", change, seq=seen.rows[d.task].seq + 1)
        tx.emit("task.given", d.task, {"agent": d.agent, "way": "push"})
        mirrored.given(tx, d.task)
        queue = tx.policies.queues[by_task[d.task].queue]
        if queue.accept_for is not None:
            tx.emit("offer.expired", d.task, due_at=tx.policies.calendar_of(queue.key).add(tx.now, queue.accept_for))
