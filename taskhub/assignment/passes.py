"""Push: one pass over a rotation. Reads without locks, decides, then writes in the same short transaction under locks.

Picks that no longer hold when the locks are there are dropped as overtaken, and the rotation is woken again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from taskhub.assignment import record, serving, store
from taskhub.assignment.decide import decide
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import Assigned, PassResult, QueueFacts, Snapshot, TaskFacts, Waiting
from taskhub.db.tx import Tx
from taskhub.ids import new_id
from taskhub.policy.work import Queue, Staffing

LOOK = 500
ENDLESS = 1_000_000
READY_TO_PULL = "ready_to_pull"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one pass read: the snapshot, and of each task what is stored about it."""

    snapshot: Snapshot
    rows: Mapping[str, Any]
    more: bool


def run(tx: Tx, rotation: str) -> None:
    """One pass over every queue of ``rotation``: push queues first, then the reasons of pull queues."""
    serving_ = [q for q in tx.policies.queues.values() if q.turn_key == rotation and not q.paused]
    for mode in ("push", "pull"):
        queues = [queue for queue in serving_ if queue.mode == mode]
        if queues:
            _pass(tx, rotation, queues, push=mode == "push")


def of_agent(tx: Tx, agent: str) -> None:
    """A person has room or has changed: every push rotation that might give them work is passed over."""
    team = store.team_of(tx, agent)
    rotations = {q.turn_key for q in tx.policies.queues.values() if q.mode == "push" and team in q.teams}
    for rotation in sorted(rotations):
        run(tx, rotation)


def everything(tx: Tx) -> None:
    """The net: every rotation once."""
    for rotation in sorted({queue.turn_key for queue in tx.policies.queues.values()}):
        tx.emit("rotation.wake", rotation)


def facts(tx: Tx, queues: Sequence[Queue]) -> dict[str, QueueFacts]:
    """How each queue is served now: its file, or the switch that holds."""
    switched = store.switches(tx, [q.key for q in queues])
    found = {}
    for queue in queues:
        row = switched.get(queue.key)
        switch = Staffing(row.model, row.params, row.strategy or queue.staffing.strategy) if row and row.model else None
        found[queue.key] = serving.served(queue, plugins(), switch=switch)
    return found


def paused_queues(tx: Tx) -> list[str]:
    """Queues whose paused work counts against capacity."""
    return [queue.key for queue in tx.policies.queues.values() if queue.paused_counts]


def _pass(tx: Tx, rotation: str, queues: Sequence[Queue], *, push: bool) -> None:
    seen = _look(tx, queues, push=push)
    if not seen.snapshot.tasks:
        return
    result = decide(seen.snapshot, plugins())
    result = result if push else _only_reasons(result)
    kept = _overtaken(tx, seen, result) if push else result
    _write(tx, rotation, seen, kept)
    if seen.more or len(kept.decisions) < len(result.decisions):
        tx.emit("rotation.wake", rotation)


def _look(tx: Tx, queues: Sequence[Queue], *, push: bool) -> Seen:
    keys = [queue.key for queue in queues]
    people = store.people(tx, {team for q in queues for team in q.teams}, paused_queues(tx), _today(tx, queues[0]))
    if not push:
        # A pull queue's pass asks who may ever take it, not who has room this minute.
        people = [replace(one, capacity=ENDLESS, held=0) for one in people]
    shapes = store.shapes(tx, keys)
    free = int(sum(max(0, one.capacity - one.held) for one in people)) if push else 1
    rows = {row.id: row for row in store.unseen(tx, keys, LOOK)}
    more = len(rows) == LOOK
    if free:
        rows |= {row.id: row for row in store.heads(tx, shapes, min(free + 20, 20_000))}
    out = store.excluded(tx, list(rows))
    tasks = tuple(store.facts_of(row, shapes, out) for row in rows.values())
    rotations = {queue.turn_key for queue in queues}
    turns = store.turns(tx, rotations)
    snapshot = Snapshot(tx.now, facts(tx, queues), tuple(people), tasks, turns, tx.policies.hash)
    return Seen(snapshot, rows, more)


def _today(tx: Tx, queue: Queue) -> datetime:
    zone = ZoneInfo(tx.policies.calendar_of(queue.key).tz)
    midnight = tx.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(tx.now.tzinfo)


def _only_reasons(result: PassResult) -> PassResult:
    ready = [Waiting(d.task, (READY_TO_PULL,)) if isinstance(d, Assigned) else d for d in result.decisions]
    return PassResult(tuple(ready), {})


def _overtaken(tx: Tx, seen: Seen, result: PassResult) -> PassResult:
    """Under the locks: from the first pick on that no longer holds all is dropped, and what stays is decided anew.

    What came after that pick was decided as if it had been made, so it may not stand.
    """
    picks = [d for d in result.decisions if isinstance(d, Assigned)]
    if not picks:
        return result
    store.lock_agents(tx, {pick.agent for pick in picks})
    waiting = store.lock_waiting(tx, [pick.task for pick in picks])
    room = store.room(tx, {pick.agent for pick in picks}, paused_queues(tx))
    for place, d in enumerate(result.decisions):
        if isinstance(d, Waiting):
            continue
        room[d.agent] = room.get(d.agent, 0) - 1
        if waiting.get(d.task) != seen.rows[d.task].seq or room[d.agent] < 0:
            names = {kept.task for kept in result.decisions[:place]}
            tasks = tuple(t for t in seen.snapshot.tasks if t.id in names)
            return decide(replace(seen.snapshot, tasks=tasks), plugins())
    return result


def _write(tx: Tx, rotation: str, seen: Seen, result: PassResult) -> None:
    new = [
        d for d in result.decisions if isinstance(d, Assigned) or list(d.reasons) != seen.rows[d.task].waiting_reasons
    ]
    if not new:
        return
    names = {d.task for d in new}
    kept = replace(seen.snapshot, tasks=tuple(t for t in seen.snapshot.tasks if t.id in names))
    stored = record.record(kept, PassResult(tuple(new), result.turns), plugins(), names)
    pass_id = new_id()
    store.save_pass(tx, pass_id, rotation, stored.head, stored.blocks)
    by_task = {t.id: t for t in seen.snapshot.tasks}
    store.save_decisions(tx, [_row(tx, d, by_task[d.task], seen.snapshot, pass_id, stored.positions) for d in new])
    _give(tx, [d for d in new if isinstance(d, Assigned)], seen)
    store.wait(tx, [{"_id": d.task, "_reasons": list(d.reasons)} for d in new if isinstance(d, Waiting)])
    store.save_turns(tx, result.turns)


def _row(
    tx: Tx, d: Assigned | Waiting, task: TaskFacts, snapshot: Snapshot, pass_id: str, positions: Mapping[str, int]
) -> dict[str, Any]:
    queue = snapshot.queues[task.queue]
    given = isinstance(d, Assigned)
    told: dict[str, Any] = (
        {"score": list(d.score), "tie": d.tie} if isinstance(d, Assigned) else {"reasons": list(d.reasons)}
    )
    return {
        "id": new_id(), "task": d.task, "pass_id": pass_id, "way": "push", "at": tx.now,
        "outcome": "assigned" if given else "waiting", "agent": d.agent if isinstance(d, Assigned) else None,
        "facts": {"position": positions[d.task], **told}, "strategy": queue.strategy,
        "strategy_version": queue.strategy_version, "model": queue.model, "policy_hash": snapshot.policy_hash,
    }  # fmt: skip


def _give(tx: Tx, picks: Sequence[Assigned], seen: Seen) -> None:
    if not picks:
        return
    store.offer(tx, [{"_id": d.task, "_agent": d.agent, "_seq": seen.rows[d.task].seq + 1} for d in picks])
    for d in picks:
        change = {"state": "assigned", "from": "queued", "agent": d.agent}
        tx.record("task", d.task, "offer", change, seq=seen.rows[d.task].seq + 1)
        tx.emit("task.given", d.task, {"agent": d.agent, "way": "push"})
