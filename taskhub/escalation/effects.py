"""What a step does to its task: raises its priority, lets teams in, sends it back, hands it up. Says what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import AtCapacity, NotEligible, NotFound
from taskhub.escalation.addressing import Told
from taskhub.policy.promise import Step
from taskhub.policy.work import PRIORITIES
from taskhub.tasks import clocks, moves, pausing, widening
from taskhub.tasks import service as tasks
from taskhub.tasks.model import ASSIGNED, BLOCKED, PAUSED, QUEUED, Task

Done = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Relief:
    """The person a task would be handed up to, their row locked; ``refused`` says why it goes to the queue instead."""

    told: Told
    refused: str | None = None


def lock_relief(tx: Tx, told: Told, task: Task) -> Relief:
    """Locks the person before the task is locked, and sees whether they have room."""
    if told.agent is None:
        return Relief(told, told.because or "nobody_there")
    if told.agent == task.agent:
        return Relief(told)
    try:
        moves.room_for(tx, told.agent, queue=task.queue)
        moves.refuse_excluded(tx, task, told.agent)
    except AtCapacity:
        return Relief(told, "at_capacity")
    except (NotEligible, NotFound) as error:
        return Relief(told, next(iter(error.fields.get("reasons", ())), "not_eligible"))
    return Relief(told)


def apply(tx: Tx, task: Task, step: Step, relief: Relief | None) -> tuple[Task, Done]:
    """Does what the step says, but for telling people. Returns the task as it is now and what was done."""
    done: Done = {}
    if step.raise_priority:
        task, done["raised"] = _raise(tx, task, step.raise_priority)
    if step.reassign == "leader" and relief is not None and relief.refused is None:
        task, done["reassigned"] = _hand_up(tx, task, relief.told)
    elif step.reassign is not None:
        task, done["reassigned"] = _to_queue(tx, task)
        if step.reassign == "leader" and relief is not None:
            done["reassigned"] |= {"asked": "leader", "agent": relief.told.agent, "because": relief.refused}
    if step.widen:
        task, done["widened"] = _widen(tx, task, step.widen)
    return task, done


def _raise(tx: Tx, task: Task, by: int) -> tuple[Task, Done]:
    raised = min(task.priority + by, len(PRIORITIES) - 1)
    done = {"from": PRIORITIES[task.priority], "to": PRIORITIES[raised]}
    if raised == task.priority:
        return task, done
    row = {name: getattr(task, name) for name in Task.__slots__} | {"priority": raised}
    return moves.move(tx, task, "raise", {"priority": raised, **clocks.retarget(tx, row)}, {"why": "escalation"}), done


def _widen(tx: Tx, task: Task, teams: Sequence[str]) -> tuple[Task, Done]:
    moved = widening.widen(tx, task, teams)
    return moved, {"teams": sorted(set(moved.extra_teams) - set(task.extra_teams)), "asked": list(teams)}


def _to_queue(tx: Tx, task: Task) -> tuple[Task, Done]:
    done: Done = {"to": "queue", "from": task.agent, "was": task.state}
    if task.state in (QUEUED, BLOCKED):
        return task, done | {"kept": True}
    note = {"by_whom": task.agent, "why": "escalation", "half_done": task.started_at is not None}
    if task.state == PAUSED:
        # Its pause ends here: the clock must run while it waits for somebody else.
        task = pausing.wake(tx, task, "escalation")
        tx.cancel("snooze.ended", task.id)
    return moves.back_to_queue(tx, task, "withdraw" if task.state == ASSIGNED else "expire", note), done


def _hand_up(tx: Tx, task: Task, told: Told) -> tuple[Task, Done]:
    done = {"to": told.agent, "from": task.agent, "was": task.state, **_detour(told)}
    if told.agent is None or told.agent == task.agent or task.state == BLOCKED:
        return task, done | {"to": task.agent, "kept": True}
    moved = tasks.assign(tx, task.id, told.agent)
    moves.note_if_late(tx, moved, task.agent, told=True)
    return moved, done


def hands(done: Done) -> tuple[str | None, str | None]:
    """Who has got work that was to go up, and who has lost it, whether it went up or to its queue."""
    moved = done.get("reassigned", {})
    if moved.get("kept") or "asked" not in moved:
        return None, None
    return moved["to"] if moved["to"] != "queue" else None, moved["from"]


def _detour(told: Told) -> Done:
    return {name: value for name, value in asdict(told).items() if name in ("asked", "instead_of", "because") and value}
