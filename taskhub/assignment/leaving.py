"""Where the work of somebody who leaves goes: to a named colleague if they may take it, else to its queue."""

from __future__ import annotations

from dataclasses import dataclass, replace

from taskhub.assignment import cover, passes, pull, reasons, store
from taskhub.assignment.claim import note
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts
from taskhub.assignment.standing import Standing
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.tasks import leaving
from taskhub.tasks.model import Task

# A colleague may get work for tomorrow: that they are not at their desk now is no reason against them.
PASSING = frozenset({reasons.OFF_SHIFT, *reasons.PRESENCE.values()})


@dataclass(frozen=True, slots=True)
class Move:
    """One task: ``to`` a colleague, None = its queue. ``against``: why not the colleague; ``nobody``: why it stays."""

    task: Task
    to: str | None
    against: tuple[str, ...] = ()
    nobody: tuple[str, ...] = ()

    @property
    def half_done(self) -> bool:
        """Whether the person had begun it."""
        return leaving.is_begun(self.task)


def plan(tx: Tx, agent: str, to: str | None, *, lock: bool = False) -> list[Move]:
    """What ``leave`` would do with everything the person holds. ``lock``: it is about to; people are locked already."""
    colleague = None
    if to is not None:
        colleague = store.person(tx, to, passes.paused_queues(tx), lock=False)
        if colleague is None:
            raise NotFound(f"There is no agent {to[:64]!r}.")
    found: list[Move] = []
    for task in leaving.held(tx, agent, lock=lock):
        move = _move(tx, task, agent, colleague)
        found.append(move)
        if move.to is not None and colleague is not None:
            colleague = replace(colleague, held=colleague.held + 1)
    return found


def _move(tx: Tx, task: Task, agent: str, colleague: AgentFacts | None) -> Move:
    wanted = colleague is not None and leaving.is_begun(task)
    against = _against(tx, task, colleague) if wanted and colleague is not None else ()
    if wanted and colleague is not None and not against:
        return Move(task, colleague.key)
    nobody = cover.nobody_for(tx, task.queue, task.shape, agent, leaving.kept_out(tx, task))
    return Move(task, None, against, nobody)


def _against(tx: Tx, task: Task, colleague: AgentFacts) -> tuple[str, ...]:
    queue = tx.policies.queues.get(task.queue)
    if queue is None:
        return (reasons.NOT_IN_POOL,)
    row = store.facts_of(task, store.shapes(tx, [queue.key]), store.excluded(tx, [task.id]))
    codes = pull.against(colleague, row, passes.facts(tx, [queue])[queue.key], tx.now, plugins())
    room = Standing(colleague, tx.now).no_room(queue.key)
    return tuple(dict.fromkeys(code for code in (*codes, *([room] if room else [])) if code not in PASSING))


def carry_out(tx: Tx, moves: list[Move], said: str | None) -> None:
    """Does what the plan says; what goes to a colleague is on record as a decision."""
    for move in moves:
        if move.to is None:
            leaving.to_queue(tx, move.task, said)
            continue
        task = leaving.to_colleague(tx, move.task, move.to, said)
        note(tx, "manual", task, move.to, {"by": tx.by.label, "overridden": []})
