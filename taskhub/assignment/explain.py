"""One decision looked at in full: every person, why not them, and in which order the others came.

The slow form of decide.py for one task: a ranking of everybody instead of a row kept in order. The two are
property-tested equal, and the re-run of a stored decision uses this one.
"""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.assignment import eligibility, reasons
from taskhub.assignment.decide import Run, in_order
from taskhub.assignment.floor import Floor, Scale, enrolled
from taskhub.assignment.model import Assigned, Candidate, Decision, Snapshot, TaskFacts, Waiting
from taskhub.assignment.registry import Plugins
from taskhub.assignment.row import FAVOURITE, ONLY, summed
from taskhub.assignment.seams import Patient
from taskhub.assignment.standing import Standing
from taskhub.errors import NotFound


def explain(snapshot: Snapshot, task_id: str, plugins: Plugins) -> list[Candidate]:
    """Everybody as seen at the moment of that task's decision: the ranked first, then the refused by name."""
    run = Run(enrolled(snapshot, plugins), plugins)
    for task in in_order(snapshot.tasks):
        if task.id == task_id:
            return candidates(run.floor, task)
        run.decide(task)
    raise NotFound(f"task {task_id} is not part of this pass", task=task_id)


def candidates(floor: Floor, task: TaskFacts) -> list[Candidate]:
    """Everybody on the floor, seen for this task now."""
    able: list[Standing] = []
    refused: list[Candidate] = []
    for agent in sorted(floor.agents, key=lambda agent: (agent.name, agent.key)):
        who = floor.standing[agent.key]
        codes = against(floor, who, task)
        if codes:
            refused.append(Candidate(agent.key, eligible=False, reasons=codes))
        else:
            able.append(who)
    return _ranked(floor, task, able) + refused


def against(floor: Floor, who: Standing, task: TaskFacts) -> tuple[str, ...]:
    """Every reason against this person for this task, the one that holds longest first."""
    codes = _own(floor, who, task)
    return (*codes, reasons.WAITS_FOR_FAVOURITE) if _awaited(floor, task) not in {None, who.key} else codes


def _own(floor: Floor, who: Standing, task: TaskFacts) -> tuple[str, ...]:
    queue = floor.queues[task.queue]
    room = eligibility.of_room(who, queue, task.kind)
    return (
        *floor.codes(who.facts, task.shape),
        *eligibility.of_task(who.facts, task, floor.now),
        *(code for code in room if code == reasons.VARIETY_CEILING or not queue.pull),
    )


def _awaited(floor: Floor, task: TaskFacts) -> str | None:
    """The favourite this task waits for: refused for nothing but what will soon be over."""
    queue = floor.queues[task.queue]
    strategy = floor.plugins.strategy(queue.strategy, queue.strategy_version)
    favourite = strategy.favourite(task, queue)
    if queue.pull or favourite not in floor.standing or not isinstance(strategy, Patient):
        return None
    codes = _own(floor, floor.standing[favourite], task)
    waits = codes and reasons.SOON.issuperset(codes) and strategy.patient(task, queue, floor.now)
    return favourite if waits else None


def _ranked(floor: Floor, task: TaskFacts, able: list[Standing]) -> list[Candidate]:
    if floor.queues[task.queue].pull:
        return [Candidate(who.key, eligible=True) for who in able]
    scale = Scale(floor, task.shape)
    favourite = scale.strategy.favourite(task, scale.queue)
    scored = sorted(
        ((who.key != favourite, scale.score(who), scale.lot(who), who.key) for who in able),
        key=lambda one: one[:3],
    )
    ranked = []
    for rank, (_, score, _, key) in enumerate(scored, start=1):
        tie = scale.tie(score, scored[rank][1]) if rank < len(scored) else ONLY
        if key == favourite:
            tie = FAVOURITE
        elif rank > 1 and tie == ONLY:
            tie = ""
        ranked.append(Candidate(key, eligible=True, rank=rank, score=score, tie=tie))
    return ranked


def outcome(task: TaskFacts, seen: Sequence[Candidate]) -> Decision:
    """The decision that follows from the candidates."""
    if seen and seen[0].rank:
        return Assigned(task.id, seen[0].agent, seen[0].score, seen[0].tie)
    if seen and seen[0].eligible:
        return Waiting(task.id, (reasons.READY_TO_PULL,))
    codes = {one.reasons[0] for one in seen if reasons.OUTSIDE.isdisjoint(one.reasons)}
    return Waiting(task.id, summed(codes))
