"""One way to change a task: guarded by the table, written with its history row, its version and its timers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Object, can
from taskhub.agents.capacity import minutes_left
from taskhub.db.tx import Tx
from taskhub.errors import AtCapacity, NotEligible, NotFound
from taskhub.failpoints import failpoint
from taskhub.sales.search import service as search
from taskhub.tasks import clocks, lifecycle, mirrored, store
from taskhub.tasks.model import IN_PROGRESS, PAUSED, QUEUED, Lease, Task

EXCLUDED_FOR_EVER = ("not_by",)
OPENED_AGAIN = ("reopen", "restore")
# No transition: what the passes note for themselves.
UNTOLD = ("waiting_reasons",)
# By what a task is found.
SAID = ("title", "data")
# What follows from an act of a person is none of its own.
OF_ITSELF = ("rederive", "follow")
# What of a task others show as well.
SHOWN = {"state", "agent"}
# Timers of work that waits with its person.
WAITING = ("snooze.ended", "pause.reminder")
LATE = ("at_risk", "breached")


def locked(tx: Tx, task_id: str) -> Task:
    """The task, locked. Raises NotFound."""
    found = store.lock(tx, task_id)
    if found is None:
        raise NotFound(f"There is no task {task_id}.")
    return found


def caller(tx: Tx, task: Task, token: int | None = None, version: int | None = None) -> lifecycle.Caller:
    """Who asks, as the table judges them."""
    by = tx.by
    return lifecycle.Caller(by.agent, oversees(tx, task), not by.is_person, token, version)


def oversees(tx: Tx, task: Task) -> bool:
    """Whether the caller may give this task's people work: what ``can`` says of ``task.assign``."""
    queue = tx.policies.queues.get(task.queue)
    teams = frozenset(queue.teams if queue else ()) | frozenset(task.extra_teams)
    return tx.by.is_person and bool(can(access.caller(tx), "task.assign", Object(task.agent, teams)))


def allowed(
    tx: Tx, task_id: str, operation: str, token: int | None = None, version: int | None = None
) -> tuple[Task, Lease | None]:
    """Locks the task (and its lease) and checks the operation against the table."""
    task = locked(tx, task_id)
    lease = store.lease_of(tx, task_id) if task.state == IN_PROGRESS else None
    lifecycle.check(operation, task, caller(tx, task, token, version), lease)
    return task, lease


def move(tx: Tx, task: Task, act: str, changes: Mapping[str, Any], note: Mapping[str, Any] | None = None) -> Task:
    """Writes ``changes`` with one history row. ``note`` adds facts to the row (reason, from whom)."""
    changes = _lifted(tx, task, act, changes)
    version = task.version + 1 if tx.by.is_person and act not in OF_ITSELF else task.version
    stamped = {**changes, "seq": task.seq + 1, "version": version}
    store.save(tx, task.id, stamped)
    failpoint("moves.saved")
    if any(getattr(task, name) != changes.get(name, getattr(task, name)) for name in SAID):
        said = {name: changes.get(name, getattr(task, name)) for name in SAID}
        search.note(tx, {f"task:{task.id}": (said, task.created_at)})
    difference = {k: plain(v) for k, v in changes.items() if k not in UNTOLD and getattr(task, k) != v}
    if "state" in difference:
        difference["from"] = task.state
    tx.record("task", task.id, act, {**difference, **(note or {})}, seq=stamped["seq"])
    if lifecycle.OPERATIONS[act].lease == "ends" and task.state == IN_PROGRESS:
        store.end_lease(tx, task.id)
        failpoint("lease.ended")
        tx.cancel("lease.expired", task.id)
    if task.state == PAUSED and stamped.get("state", PAUSED) != PAUSED:
        for topic in WAITING:
            tx.cancel(topic, task.id)
    moved = replace(task, **stamped)
    if SHOWN & difference.keys():
        mirrored.changed(tx, moved)
    return moved


def _lifted(tx: Tx, task: Task, act: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who had it no longer has it, or it is opened again: nobody has acknowledged that, and its ladder goes on."""
    leaves = task.agent is not None and changes.get("agent", task.agent) != task.agent
    if task.acknowledged_at is None or not (leaves or act in OPENED_AGAIN):
        return changes
    return {**changes, "acknowledged_by": None, "acknowledged_at": None, "ladder_from": tx.now}


def plain(value: Any) -> Any:
    """A value as history keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value


def back_to_queue(
    tx: Tx, task: Task, act: str, note: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> Task:
    """Nobody holds it any more: it waits again at its old place, and its rotation is woken."""
    free = {
        "state": QUEUED, "agent": None, "pinned": False, "given_at": None, "paused_reason": None, "paused_until": None,
        "paused_at": None, "waiting_reasons": None,
    }  # fmt: skip
    moved = move(tx, task, act, {**(changes or {}), **free}, note)
    announce_ready(tx, moved)
    freed(tx, task.agent)
    return moved


def announce_ready(tx: Tx, task: Task) -> None:
    """Wakes the rotation that serves the task's queue; its ladder is looked at."""
    queue = tx.policies.queues.get(task.queue)
    tx.emit("task.ready", task.id, {"rotation": queue.turn_key if queue else task.queue, "queue": task.queue})
    clocks.look_at_ladder(tx, task.id, task.sla)


def tell_if_late(tx: Tx, task: Task, was: str | None) -> None:
    """Given by somebody while its time runs out: its clock goes on, and whoever has it now is told."""
    if tx.by.is_person and task.agent not in (None, tx.by.agent):
        note_if_late(tx, task, was)


def note_if_late(tx: Tx, task: Task, was: str | None, **more: Any) -> None:
    """Late work has come to somebody; ``more`` goes with the message."""
    if task.sla_state in LATE:
        tx.emit("task.given_late", task.id, {"agent": task.agent, "was": was, "state": task.sla_state, **more})


def freed(tx: Tx, agent: str | None) -> None:
    """A person has room again: whatever waits for them is looked at."""
    if agent is not None:
        tx.emit("agent.freed", agent, {"agent": agent})


def lease_until(tx: Tx, queue: str, minutes: float) -> datetime:
    """When a lease given now ends: the term of the queue, at least twice the expected minutes, in real time."""
    found = tx.policies.queues.get(queue)
    term = found.lease_for if found else timedelta(minutes=15)
    return tx.after(max(term, timedelta(minutes=2 * minutes)))


def grant(tx: Tx, task: Task, agent: str) -> Lease:
    """A new lease for ``agent`` and the timer that looks at its end."""
    lease = store.grant(tx, task.id, agent, lease_until(tx, task.queue, task.minutes))
    failpoint("lease.granted")
    tx.emit("lease.expired", task.id, due_at=lease.expires_at)
    return lease


def room_for(tx: Tx, agent_key: str, *, counts: int = 1, queue: str | None = None) -> Any:
    """Locks the person and makes sure ``counts`` more fit: every act that gives work passes here. Returns their row.

    Tasks, expected minutes and, for a task of ``queue``, the person's cap there. Raises NotFound, NotEligible
    (inactive) or AtCapacity, which names what could be paused.
    """
    person = store.lock_agent(tx, agent_key)
    if person is None:
        raise NotFound(f"There is no agent {agent_key!r}.", agent=agent_key)
    if not person.active:
        raise NotEligible(f"{person.name} is no longer active and gets no work.", reasons=["inactive"], agent=agent_key)
    paused = [key for key, queue in tx.policies.queues.items() if queue.paused_counts]
    held = store.held(tx, agent_key, paused)
    full = _full(person, held, counts, queue)
    if full is not None:
        raise AtCapacity(
            f"{person.name} holds {full.pop('words')}. Complete, pause or hand over one first.", **full,
            could_pause=[{"id": row.id, "title": row.title} for row in held if row.state == IN_PROGRESS],
        )  # fmt: skip
    return person


def _full(person: Any, held: Sequence[Any], counts: int, queue: str | None) -> dict[str, Any] | None:
    """Which limit ``counts`` more tasks of ``queue`` would break, in words and figures; None where they fit."""
    if len(held) + counts > person.capacity:
        words = f"{len(held)} of {person.capacity:g} tasks"
        return {"words": words, "held": len(held), "capacity": person.capacity}
    minutes = sum(row.minutes for row in held)
    if counts and not minutes_left(person.capacity_minutes, minutes):
        words = f"work for {minutes:g} of {person.capacity_minutes:g} minutes"
        return {"words": words, "held_minutes": minutes, "capacity_minutes": person.capacity_minutes}
    cap = (person.queue_caps or {}).get(queue)
    here = sum(row.queue == queue for row in held)
    if cap is not None and here + counts > cap:
        return {"words": f"{here} of {cap:g} tasks of {queue}", "held": here, "capacity": cap, "queue": queue}
    return None


def refuse_excluded(tx: Tx, task: Task, agent_key: str) -> None:
    """Four eyes hold on every way of giving work, override included."""
    for who, why, _until in store.exclusions(tx, task.id):
        if who == agent_key and why in EXCLUDED_FOR_EVER:
            raise NotEligible(
                f"{agent_key} may not do this task: {why.replace('_', ' ')}.", reasons=[why], agent=agent_key
            )
