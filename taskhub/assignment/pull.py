"""Work a person took: what is stored about it, and the same rules run over it again.

The claim itself is SQL (take.py); these are the pure forms it must agree with. Rows that others held locked were no
part of the answer, so a re-run checks what the record says was seen: the task taken, and the heads that were passed
over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.assignment import eligibility
from taskhub.assignment.codec import (
    agent_facts,
    as_agent,
    as_queue,
    as_shape,
    as_task,
    moment,
    queue_facts,
    task_facts,
    to_moment,
)
from taskhub.assignment.model import ENGINE_VERSION, AgentFacts, Instant, QueueFacts, TaskFacts
from taskhub.assignment.record import dumps
from taskhub.assignment.registry import NotInstalled, Plugins
from taskhub.assignment.rerun import DIFFERENT, NOT_RERUNNABLE, SAME, Rerun
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


@dataclass(frozen=True, slots=True)
class PullFacts:
    """What a claim saw: the caller before the gift, the queues, the task taken, the heads passed over with why."""

    now: Instant
    agent: AgentFacts
    queues: Mapping[str, QueueFacts]
    taken: TaskFacts | None
    passed_over: tuple[tuple[TaskFacts, tuple[str, ...]], ...] = ()
    picked: bool = False
    policy_hash: str = ""
    engine_version: str = ENGINE_VERSION


def against(agent: AgentFacts, task: TaskFacts, queue: QueueFacts, now: Instant, plugins: Plugins) -> tuple[str, ...]:
    """Every reason against this person taking this very task now; what claim, pick, assign and hand-over ask alike."""
    outside = eligibility.pool(queue, (agent,), now, task.shape, plugins).get(agent.key)
    return (
        *eligibility.joined(outside, eligibility.of_person(agent, now), eligibility.of_shape(agent, task.shape)),
        *eligibility.of_task(agent, task, now),
        *eligibility.of_room(Standing(agent, now), queue, task.kind),
    )


def rerun_pull(facts: PullFacts, plugins: Plugins) -> Rerun:
    """Whether the same rules still let the caller take the task, and still pass over each head for the same reasons."""
    if facts.engine_version != ENGINE_VERSION:
        return Rerun(NOT_RERUNNABLE, f"engine {facts.engine_version} is not part of this program")
    try:
        differences = _differences(facts, plugins)
    except NotInstalled as missing:
        return Rerun(NOT_RERUNNABLE, missing.message)
    return Rerun(DIFFERENT, "; ".join(differences)) if differences else Rerun(SAME)


def _differences(facts: PullFacts, plugins: Plugins) -> list[str]:
    def codes(task: TaskFacts) -> tuple[str, ...]:
        return against(facts.agent, task, facts.queues[task.queue], facts.now, plugins)

    found = [
        f"{task.id} was passed over for {list(was)}, is for {list(codes(task))}"
        for task, was in facts.passed_over
        if codes(task) != was
    ]
    if facts.taken is not None and codes(facts.taken):
        found.append(f"{facts.taken.id} was taken, is refused for {list(codes(facts.taken))}")
    return found


def pull_to_json(facts: PullFacts) -> str:
    """What to store of a claim; ``pull_from_json`` gives an equal value back."""
    tasks = [task for task, _ in facts.passed_over] + ([facts.taken] if facts.taken else [])
    shapes: dict[Shape, int] = {}
    rows = [task_facts(task, shapes.setdefault(task.shape, len(shapes))) for task in tasks]
    return dumps(
        {
            "now": moment(facts.now),
            "agent": agent_facts(facts.agent),
            "queues": [queue_facts(queue) for _, queue in sorted(facts.queues.items())],
            "shapes": list(shapes),
            "tasks": rows,
            "why": [codes for _, codes in facts.passed_over],
            "picked": facts.picked,
            "policy": facts.policy_hash,
            "engine": facts.engine_version,
        }
    )


def pull_from_json(text: str) -> PullFacts:
    """Inverse of ``pull_to_json``."""
    raw: dict[str, Any] = json.loads(text)
    shapes = [as_shape(row) for row in raw["shapes"]]
    tasks, why = [as_task(row, shapes) for row in raw["tasks"]], [tuple(codes) for codes in raw["why"]]
    queues = [as_queue(queue) for queue in raw["queues"]]
    return PullFacts(
        now=to_moment(raw["now"]),
        agent=as_agent(raw["agent"]),
        queues={queue.key: queue for queue in queues},
        taken=tasks[-1] if len(tasks) > len(why) else None,
        passed_over=tuple(zip(tasks, why, strict=False)),
        picked=raw["picked"],
        policy_hash=raw["policy"],
        engine_version=raw["engine"],
    )
