"""One pass: who gets which waiting task. The function behind production, preview, dry run and replay.

Tasks come in order of start_by; each goes to the best person who may take it and has room. Nobody stops the row: a
task nobody may take waits with its reasons, and the next one is looked at. So after a pass no eligible person with
room is left beside a task they may take.

A whole ranking per task would cost tasks x people; row.py keeps the people of each shape in order instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from taskhub.assignment import reasons
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.leaves import Leaves
from taskhub.assignment.model import Assigned, Decision, PassResult, Snapshot, TaskFacts, Waiting
from taskhub.assignment.registry import Plugins
from taskhub.assignment.row import Row
from taskhub.assignment.seams import Patient
from taskhub.tasks.shape import Shape


def in_order(tasks: Iterable[TaskFacts]) -> list[TaskFacts]:
    """First start_by, then created_at; the id only makes the order total."""
    return sorted(tasks, key=lambda task: (task.start_by, task.created_at, task.id))


def decide(snapshot: Snapshot, plugins: Plugins) -> PassResult:
    """Decide every task of the snapshot. The order in which tasks and people stand in it does not matter."""
    run = Run(enrolled(snapshot, plugins), plugins)
    decisions = tuple(run.decide(task) for task in in_order(snapshot.tasks))
    return PassResult(decisions, _changed(snapshot.turns, run.floor.turns()))


def _changed(
    before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    changed = {
        rotation: {agent: turn for agent, turn in turns.items() if before.get(rotation, {}).get(agent) != turn}
        for rotation, turns in after.items()
    }
    return {rotation: turns for rotation, turns in changed.items() if turns}


class Run:
    """A pass under way over an enrolled snapshot, for callers that stream their tasks: hand them in in order."""

    def __init__(self, snapshot: Snapshot, plugins: Plugins) -> None:
        self.floor = Floor(snapshot, plugins)
        self._rows: dict[Shape, Row] = {}
        self._leaves = Leaves(snapshot.agents, snapshot.now)

    def decide(self, task: TaskFacts) -> Decision:
        """Who gets this task, all earlier gifts of the pass taken into account."""
        row = self._row(task.shape)
        excluded = self._excluded(task)
        if row.scale.queue.pull:
            return Waiting(task.id, row.reasons(excluded))
        favourite = row.scale.strategy.favourite(task, row.scale.queue)
        chosen = (row.favourite(favourite, excluded) if favourite else None) or row.best(excluded)
        if chosen is None:
            return Waiting(task.id, row.reasons(excluded))
        if favourite and favourite != chosen.agent and self._awaits(task, row, favourite, excluded):
            return Waiting(task.id, (reasons.WAITS_FOR_FAVOURITE,))
        self.floor.give(task, chosen.agent)
        return Assigned(task.id, chosen.agent, chosen.score, chosen.tie)

    def _awaits(self, task: TaskFacts, row: Row, favourite: str, excluded: Mapping[str, str]) -> bool:
        strategy = row.scale.strategy
        if not isinstance(strategy, Patient) or not row.soon(favourite, excluded):
            return False
        return strategy.patient(task, row.scale.queue, self.floor.now)

    def hands_free(self, shape: Shape) -> bool:
        """Whether anybody left could take a task of this shape: when not, a stream need not be read further."""
        return self._row(shape).hands_free()

    def _row(self, shape: Shape) -> Row:
        row = self._rows.get(shape)
        if row is None:
            row = self._rows[shape] = Row(self.floor, shape)
        return row

    def _excluded(self, task: TaskFacts) -> Mapping[str, str]:
        on_leave = self._leaves.at(task.due_at)
        if not on_leave or not task.excluded:
            return on_leave or task.excluded
        return {**on_leave, **task.excluded}
