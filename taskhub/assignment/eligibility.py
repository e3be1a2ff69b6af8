"""Who may take a task, and why not: a row of small filters, each answering a reason code or nothing.

Three depths, because a pass and a claim ask them at different moments: the person (whatever the task), the shape
(queue, kind, level, attributes), the task itself (its own history and due time). Room left is the fourth: it changes
inside a pass and is asked of the person's standing. The first code is the one that will hold longest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskhub.agents.availability import absent, on_shift, present
from taskhub.assignment import reasons
from taskhub.assignment.model import AgentFacts, Instant, QueueFacts, TaskFacts
from taskhub.assignment.registry import Plugins
from taskhub.assignment.seams import PoolAsk
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

Pool = Mapping[str, str]


def inactive(agent: AgentFacts, now: Instant) -> str | None:
    return None if agent.active else reasons.INACTIVE


def away_on_leave(agent: AgentFacts, now: Instant) -> str | None:
    return reasons.ABSENT if agent.absences and absent(agent.absences, now) else None


def off_shift(agent: AgentFacts, now: Instant) -> str | None:
    return None if on_shift(agent.time_zone, agent.shifts, now) else reasons.OFF_SHIFT


def not_present(agent: AgentFacts, now: Instant) -> str | None:
    return reasons.PRESENCE.get(present(agent.presence, agent.presence_until, now))


def skill(agent: AgentFacts, shape: Shape) -> str | None:
    """A person without any skill listed for the kind may not do it, whatever the level asked."""
    level = agent.skills.get(shape.skill)
    if level is None:
        return reasons.SKILL_MISSING
    return reasons.SKILL_TOO_LOW if level < shape.level else None


def attributes(agent: AgentFacts, shape: Shape) -> str | None:
    met = all(covers(agent.attributes.get(name), wanted) for name, wanted in shape.requires)
    return None if met else reasons.ATTRIBUTE_MISSING


def covers(has: Any, wanted: Any) -> bool:
    """Whether an attribute meets what a task asks.

    Numbers are limits, the person's must be as high; lists on the person's side offer a choice, on the task's side all
    are asked.

    >>> covers(["de", "en"], "de"), covers(50_000, 20_000), covers("north", "south"), covers(["de"], ("de", "fr"))
    (True, True, False, False)
    """
    if isinstance(wanted, str):
        return wanted in has if isinstance(has, list | tuple) else bool(has == wanted)
    if isinstance(wanted, list | tuple):
        return all(covers(has, one) for one in wanted)
    if isinstance(has, list | tuple):
        return any(covers(one, wanted) for one in has)
    numbers = isinstance(has, int | float) and isinstance(wanted, int | float)
    if numbers and not isinstance(has, bool) and not isinstance(wanted, bool):
        return bool(has >= wanted)
    return bool(has == wanted) and type(has) is type(wanted)


def excluded(agent: AgentFacts, task: TaskFacts, now: Instant) -> str | None:
    return task.excluded.get(agent.key)


def absent_when_due(agent: AgentFacts, task: TaskFacts, now: Instant) -> str | None:
    """On leave from before the due time on: they would hold a task that falls due without them.

    Overdue work is not kept from people who are back.
    """
    if task.due_at is None or task.due_at <= now:
        return None
    return reasons.ABSENT_BEFORE_DUE if absent(agent.absences, task.due_at) else None


PERSON: tuple[Callable[[AgentFacts, Instant], str | None], ...] = (inactive, away_on_leave, off_shift, not_present)
SHAPE: tuple[Callable[[AgentFacts, Shape], str | None], ...] = (attributes, skill)
TASK: tuple[Callable[[AgentFacts, TaskFacts, Instant], str | None], ...] = (excluded, absent_when_due)


def pool(queue: QueueFacts, agents: Sequence[AgentFacts], now: Instant, shape: Shape, plugins: Plugins) -> Pool:
    """Agent -> why they are not in the pool. Lent people and teams let in by an escalation are in it for sure."""
    if queue.paused:
        return {agent.key: _member(queue, agent, now, shape) or reasons.QUEUE_PAUSED for agent in agents}
    own, refused = [], {}
    for agent in agents:
        if _guest(queue, agent, now, shape):
            continue
        if agent.team in queue.teams:
            own.append(agent)
        else:
            refused[agent.key] = reasons.NOT_IN_POOL
    model = plugins.model(queue.model, queue.model_version)
    refused.update(model.refused(PoolAsk(queue, own, now, shape.lane, shape.kind)))
    return refused


def _member(queue: QueueFacts, agent: AgentFacts, now: Instant, shape: Shape) -> str | None:
    inside = agent.team in queue.teams or _guest(queue, agent, now, shape)
    return None if inside else reasons.NOT_IN_POOL


def _guest(queue: QueueFacts, agent: AgentFacts, now: Instant, shape: Shape) -> bool:
    if agent.team in shape.extra_teams:
        return True
    return any(loan.queue == queue.key and loan.since <= now < loan.until for loan in agent.loans)


def of_person(agent: AgentFacts, now: Instant) -> tuple[str, ...]:
    """Every reason why this person gets nothing now, whatever the task."""
    return tuple([code for check in PERSON if (code := check(agent, now))])


def of_shape(agent: AgentFacts, shape: Shape) -> tuple[str, ...]:
    """Every reason why this person cannot do tasks of this shape."""
    return tuple([code for check in SHAPE if (code := check(agent, shape))])


def of_task(agent: AgentFacts, task: TaskFacts, now: Instant) -> tuple[str, ...]:
    """Every reason that lies in this very task."""
    return tuple([code for check in TASK if (code := check(agent, task, now))])


def of_room(who: Standing, queue: QueueFacts, kind: str) -> tuple[str, ...]:
    """Why one more task of that kind is too much for this person now, the reason that holds longer first."""
    return tuple([code for code in (who.ceiling(queue, kind), who.no_room(queue.key)) if code])


def joined(pool_reason: str | None, person: tuple[str, ...], shape: tuple[str, ...]) -> tuple[str, ...]:
    """One row of codes, the one that holds longest first."""
    outside = (pool_reason,) if pool_reason else ()
    return (*person, *outside, *shape) if reasons.INACTIVE in person else (*outside, *shape, *person)


@dataclass(frozen=True, slots=True)
class MayTake:
    """Which shapes a person may take now, and why not the others."""

    shapes: tuple[Shape, ...]
    refused: Mapping[Shape, tuple[str, ...]]


def may_take_shapes(
    agent: AgentFacts, shapes: Collection[Shape], queues: Mapping[str, QueueFacts], now: Instant, plugins: Plugins
) -> MayTake:
    """What a claim looks for: everything but the filters that lie in the task itself, room included."""
    person, standing = of_person(agent, now), Standing(agent, now)
    refused: dict[Shape, tuple[str, ...]] = {}
    for shape in shapes:
        outside = pool(queues[shape.queue], (agent,), now, shape, plugins).get(agent.key)
        codes = (*joined(outside, person, of_shape(agent, shape)), *of_room(standing, queues[shape.queue], shape.kind))
        if codes:
            refused[shape] = codes
    return MayTake(tuple(shape for shape in shapes if shape not in refused), refused)
