"""A stored decision asked again: as it was, or with its queue served another way.

The one function behind ``why`` (nothing changed: the answer must be the same), behind the shadow of another staffing
and behind the dry run of policy files. What a record does not hold it cannot answer: people nobody looked at then, the
pools of models that look beyond the person, work of passes that never came to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from taskhub.assignment.explain import candidates, outcome
from taskhub.assignment.floor import Floor
from taskhub.assignment.model import ENGINE_VERSION, Candidate, Decision, QueueFacts, Snapshot, TaskFacts
from taskhub.assignment.record import read_block, read_head
from taskhub.assignment.registry import Plugins

Served = Mapping[str, QueueFacts]
AS_IT_WAS: Served = {}
STAFFING = ("model", "model_version", "params", "strategy", "strategy_version", "strategy_params")


class NotRerunnable(Exception):
    """This record cannot be run by this program."""


@dataclass(frozen=True, slots=True)
class Redecided:
    """The decision as it comes out, and everybody as seen for it."""

    decision: Decision
    candidates: tuple[Candidate, ...]


def redecide(head: str, block: str, task_id: str, plugins: Plugins, served: Served = AS_IT_WAS) -> Redecided:
    """Decides one task of a stored pass again, with the queues in ``served`` served as said there.

    The moves of the tasks before it are taken from the record, not decided again: every decision is asked on its own.
    Raises NotRerunnable, and NotInstalled for a plug-in that is no longer there.
    """
    floor, task = at_moment(head, block, task_id, plugins, served)
    seen = candidates(floor, task)
    return Redecided(outcome(task, seen), tuple(seen))


def at_moment(
    head: str, block: str, task_id: str, plugins: Plugins, served: Served = AS_IT_WAS
) -> tuple[Floor, TaskFacts]:
    """The floor as it stood when that task was decided, and the task."""
    floor, stored = Floor(served_as(snapshot_of(head), served), plugins), read_block(block)
    floor.restore(stored.began)
    for task, move in zip(stored.tasks, stored.moves, strict=True):
        if task.id == task_id:
            return floor, task
        if move:
            floor.replay(task, *move)
    raise NotRerunnable(f"task {task_id} is not in this block of its pass")


def snapshot_of(head: str) -> Snapshot:
    """The stored snapshot without its tasks. Raises NotRerunnable for one of another engine."""
    snapshot = read_head(head)
    if snapshot.engine_version != ENGINE_VERSION:
        raise NotRerunnable(f"engine {snapshot.engine_version} is not part of this program")
    return snapshot


def served_as(snapshot: Snapshot, served: Served, *, staffing_only: bool = False) -> Snapshot:
    """The snapshot with some of its queues served another way; queues it did not look at stay out.

    ``staffing_only``: model and strategy are those of ``served``, all else (mode, pauses, ceilings) stays as it was.
    """
    changed = {
        key: restaffed(snapshot.queues[key], queue) if staffing_only else queue
        for key, queue in served.items()
        if key in snapshot.queues
    }
    return replace(snapshot, queues={**snapshot.queues, **changed}) if changed else snapshot


def restaffed(then: QueueFacts, other: QueueFacts) -> QueueFacts:
    """The queue as it was, with the other's model and strategy; the pool found then stays with the model it was of."""
    same = (then.model, then.params) == (other.model, other.params)
    named = {name: getattr(other, name) for name in STAFFING}
    return replace(then, **named, pool_state=then.pool_state if same else other.pool_state)
