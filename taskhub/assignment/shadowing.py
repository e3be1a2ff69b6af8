"""What another staffing would have done with the passes and claims on record, one after the other. Pure.

Inside a pass every gift is followed. From pass to pass the shadow remembers who would have had which task: it counts
for them and no longer for the one who really had it, as long as that one took, and the turns stand as it left them.
What it cannot know it does not invent: tasks it leaves waiting are not met again, nobody asks for work at another
moment, and people nobody looked at then stay out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.assignment.codec import as_shape, as_task, moment, task_facts, to_moment
from taskhub.assignment.decide import Run
from taskhub.assignment.floor import enrolled
from taskhub.assignment.model import AgentFacts, Assigned, Decision, Instant, Snapshot, TaskFacts
from taskhub.assignment.past_pools import PastPools, Setting
from taskhub.assignment.pull import PullFacts, against
from taskhub.assignment.reasons import READY_TO_PULL
from taskhub.assignment.record import Block, read_block
from taskhub.assignment.redecide import Served, restaffed, served_as, snapshot_of
from taskhub.assignment.registry import Plugins
from taskhub.tasks.shape import Shape

SAME = "same"
OTHER_PERSON = "other_person"
WOULD_WAIT = "would_wait"
WOULD_BE_GIVEN = "would_be_given"
GIVEN_BEFORE = "given_before"
NOT_THEIRS = "not_theirs"
OTHER_TASK = "other_task"
UNKNOWN = "unknown"
VERDICTS = (SAME, OTHER_PERSON, WOULD_WAIT, WOULD_BE_GIVEN, GIVEN_BEFORE, NOT_THEIRS, OTHER_TASK, UNKNOWN)

Ended = Mapping[str, Instant | None]
Turns = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One stored decision beside the other. ``was`` and ``now``: who gets it, None = it waits (for ``reasons``).

    ``tie`` is the part of the score that would have decided. ``verdict`` is one of VERDICTS.
    """

    task: str
    queue: str
    kind: str
    at: Instant
    verdict: str
    was: str | None = None
    now: str | None = None
    reasons: tuple[str, ...] = ()
    tie: str = ""


@dataclass(frozen=True, slots=True)
class _Moved:
    task: TaskFacts
    was: str | None
    now: str | None
    at: Instant
    until: Instant | None

    def counts(self, now: Instant) -> bool:
        return self.until is None or now < self.until


class Shadow:
    """The other staffing as it goes through the record; hand passes in as they happened.

    ``staffing_only``: model and strategy of ``served`` alone, all else of a queue as it was then. ``settings``: with
    what pools are found that no worker has found.
    """

    def __init__(
        self, served: Served, plugins: Plugins, *, staffing_only: bool = False,
        settings: Mapping[str, Setting] | None = None,
    ) -> None:  # fmt: skip
        self._served = served
        self._pools = PastPools(settings or {})
        self._staffing_only = staffing_only
        self._plugins = plugins
        self._moved: dict[str, _Moved] = {}
        self._turns: Turns = {}

    def passed(self, head: str, blocks: Sequence[str], ended: Ended) -> list[Asked]:
        """Every decision of one stored pass that looked at one of the queues. ``ended``: when its tasks were done.

        Raises NotRerunnable and NotInstalled like a re-run; the pass then leaves no trace.
        """
        then = snapshot_of(head)
        if self._served.keys().isdisjoint(then.queues):
            return []
        read = [read_block(block) for block in blocks]
        self._forget(then.now, read)
        other = served_as(then, self._served, staffing_only=self._staffing_only)
        other = self._pools.found(then, other, [task for block in read for task in block.tasks], ended)
        run = Run(enrolled(self._stood(other), self._plugins), self._plugins)
        asked = [self._one(run, then.now, self._pools.laned(task), who, ended) for task, who in _recorded(read)]
        self._pools.gone([one.task for one in asked if one.was or one.now])
        self._keep_turns(then, read, run.floor.turns())
        return [one for one in asked if one.queue in self._served]

    def state(self) -> dict[str, Any]:
        """Where it stands, fit for JSON; ``restore`` goes on from there."""
        shapes: dict[Shape, int] = {}
        rows = [
            [task_facts(one.task, shapes.setdefault(one.task.shape, len(shapes))), one.was, one.now, moment(one.at),
             moment(one.until) if one.until else None]
            for one in self._moved.values()
        ]  # fmt: skip
        return {
            "moved": rows,
            "shapes": [list(shape) for shape in shapes],
            "turns": self._turns,
            "pools": self._pools.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of ``state``."""
        shapes = [as_shape(row) for row in state["shapes"]]
        for row, was, now, at, until in state["moved"]:
            task = as_task(row, shapes)
            self._moved[task.id] = _Moved(task, was, now, to_moment(at), to_moment(until) if until else None)
        self._turns = {name: dict(row) for name, row in state["turns"].items()}
        self._pools.state = {key: dict(value) for key, value in state["pools"].items()}

    def _one(self, run: Run, at: Instant, task: TaskFacts, was: str | None, ended: Ended) -> Asked:
        before = self._moved.get(task.id)
        if before is not None:
            self._moved[task.id] = replace(before, was=was, until=ended.get(task.id))
            return Asked(task.id, task.queue, task.kind, at, GIVEN_BEFORE, was, before.now)
        decision = run.decide(task)
        now = decision.agent if isinstance(decision, Assigned) else None
        if now != was:
            self._moved[task.id] = _Moved(task, was, now, at, ended.get(task.id))
        return _asked(task, at, was, decision)

    def _forget(self, now: Instant, read: Sequence[Block]) -> None:
        """Work that is done, and work that came back and is decided anew in this pass."""
        back = {task.id for block in read for task in block.tasks}
        self._moved = {
            id: one
            for id, one in self._moved.items()
            if not (id in back and one.was is not None) and (one.counts(now) or one.at.date() == now.date())
        }

    def _stood(self, then: Snapshot) -> Snapshot:
        """People and turns as they would have stood."""
        lost, won = defaultdict[str, list[_Moved]](list), defaultdict[str, list[_Moved]](list)
        for one in self._moved.values():
            if one.was is not None:
                lost[one.was].append(one)
            if one.now is not None:
                won[one.now].append(one)
        agents = tuple(
            _shifted(_shifted(agent, lost.get(agent.key, ()), then.now, -1), won.get(agent.key, ()), then.now, +1)
            for agent in then.agents
        )
        turns = {name: {**row, **self._turns.get(name, {})} for name, row in then.turns.items()}
        return replace(then, agents=agents, turns={**self._turns, **turns})

    def _keep_turns(self, then: Snapshot, read: Sequence[Block], after: Mapping[str, Mapping[str, int]]) -> None:
        real: Turns = {name: dict(row) for name, row in then.turns.items()}
        for block in read:
            for task, move in zip(block.tasks, block.moves, strict=True):
                if move is not None:
                    real.setdefault(then.queues[task.queue].turn_key, {})[move[0]] = move[1]
        for name, row in after.items():
            was = real.get(name, {})
            self._turns[name] = {key: turn for key, turn in row.items() if was.get(key) != turn}


def pulled(facts: PullFacts, served: Served, plugins: Plugins, *, staffing_only: bool = False) -> Asked | None:
    """One stored claim: would the same task have been theirs? None for a claim that took nothing in these queues."""
    task = facts.taken
    if task is None or task.queue not in served:
        return None
    me, queues = facts.agent.key, {**facts.queues, **served}
    if staffing_only:
        queues |= {key: restaffed(was, served[key]) for key, was in facts.queues.items() if key in served}
    if not queues[task.queue].pull:
        return Asked(task.id, task.queue, task.kind, facts.now, UNKNOWN, me)
    codes = against(facts.agent, task, queues[task.queue], facts.now, plugins)
    if codes:
        return Asked(task.id, task.queue, task.kind, facts.now, NOT_THEIRS, me, None, codes)
    earlier = [
        one
        for one, _ in facts.passed_over
        if one.queue in queues and not against(facts.agent, one, queues[one.queue], facts.now, plugins)
    ]
    verdict = OTHER_TASK if earlier and not facts.picked else SAME
    return Asked(task.id, task.queue, task.kind, facts.now, verdict, me, me)


def _recorded(read: Sequence[Block]) -> Iterator[tuple[TaskFacts, str | None]]:
    for block in read:
        for task, move in zip(block.tasks, block.moves, strict=True):
            yield task, move[0] if move else None


def _asked(task: TaskFacts, at: Instant, was: str | None, decision: Decision) -> Asked:
    if isinstance(decision, Assigned):
        now = decision.agent
        verdict = SAME if now == was else OTHER_PERSON if was is not None else WOULD_BE_GIVEN
        return Asked(task.id, task.queue, task.kind, at, verdict, was, now, (), decision.tie)
    verdict = SAME if was is None else UNKNOWN if decision.reasons == (READY_TO_PULL,) else WOULD_WAIT
    return Asked(task.id, task.queue, task.kind, at, verdict, was, None, decision.reasons)


def _shifted(agent: AgentFacts, moved: Sequence[_Moved], now: Instant, sign: int) -> AgentFacts:
    """The person with that work more or less; what was given on another day no longer counts as given today."""
    for one in moved:
        today = sign if one.at.date() == now.date() else 0
        held = sign if one.counts(now) else 0
        by_queue = agent.held_by_queue
        agent = replace(
            agent,
            held=max(0, agent.held + held),
            held_minutes=max(0.0, agent.held_minutes + held * one.task.minutes),
            held_by_queue={**by_queue, one.task.queue: max(0, by_queue.get(one.task.queue, 0) + held)},
            load=max(0.0, agent.load + held * one.task.weight),
            load_minutes=max(0.0, agent.load_minutes + held * one.task.minutes),
            given_today=max(0, agent.given_today + today),
        )
    return agent
