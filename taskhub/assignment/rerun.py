"""Stored decisions run again: same, different, or not re-runnable and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhub.assignment.explain import candidates, outcome
from taskhub.assignment.floor import Floor
from taskhub.assignment.model import ENGINE_VERSION, Candidate, Decision, TaskFacts
from taskhub.assignment.record import read_block, read_head
from taskhub.assignment.registry import NotInstalled, Plugins

SAME: Literal["same"] = "same"
DIFFERENT: Literal["different"] = "different"
NOT_RERUNNABLE: Literal["not_rerunnable"] = "not_rerunnable"


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came out. ``why``: what differs, or why it cannot be run; ``now``: the decision as it comes out today."""

    status: Literal["same", "different", "not_rerunnable"]
    why: str = ""
    now: Decision | None = None
    candidates: tuple[Candidate, ...] = ()


class NotRerunnable(Exception):
    """This record cannot be run by this program."""


def rerun(head: str, block: str, decision: Decision, plugins: Plugins) -> Rerun:
    """Decide one task again on the head of its pass and its own block; compare with the decision as it was written.

    The moves of the tasks before it are taken from the record, not decided again: each of those is checked by its own
    re-run.
    """
    try:
        floor, task = at_moment(head, block, decision.task, plugins)
        seen = candidates(floor, task)
    except NotRerunnable as reason:
        return Rerun(NOT_RERUNNABLE, str(reason))
    except NotInstalled as missing:
        return Rerun(NOT_RERUNNABLE, missing.message)
    now = outcome(task, seen)
    if now == decision:
        return Rerun(SAME, now=now, candidates=tuple(seen))
    return Rerun(DIFFERENT, f"was {decision}, is {now}", now, tuple(seen))


def at_moment(head: str, block: str, task_id: str, plugins: Plugins) -> tuple[Floor, TaskFacts]:
    """The floor as it stood when that task was decided, and the task."""
    snapshot = read_head(head)
    if snapshot.engine_version != ENGINE_VERSION:
        raise NotRerunnable(f"engine {snapshot.engine_version} is not part of this program")
    floor, stored = Floor(snapshot, plugins), read_block(block)
    floor.restore(stored.began)
    for task, move in zip(stored.tasks, stored.moves, strict=True):
        if task.id == task_id:
            return floor, task
        if move:
            floor.replay(task, *move)
    raise NotRerunnable(f"task {task_id} is not in this block of its pass")
