"""How a queue of the policy files is served: its facts for a decision, and what is wrong with its staffing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from taskhub.assignment.model import PoolState, QueueFacts
from taskhub.assignment.registry import NotInstalled, Plugins
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks.shape import Shape

Complaint = tuple[str, str, str | None]


def served(
    queue: Queue, plugins: Plugins, *, switch: Staffing | None = None, pool_state: PoolState | None = None
) -> QueueFacts:
    """The queue as it is served now; a ``switch`` whose time has come wins over the file."""
    staffing = switch or queue.staffing
    return QueueFacts(
        key=queue.key,
        teams=queue.teams,
        model=staffing.model,
        model_version=plugins.model(staffing.model).version,
        params=staffing.params,
        strategy=staffing.strategy,
        strategy_version=plugins.strategy(staffing.strategy).version,
        rotation=queue.rotation or "",
        pull=queue.mode == "pull",
        paused=queue.paused,
        pool_state=pool_state,
    )


def shape_of(kind: Kind, **raised: Any) -> Shape:
    """The shape of a task of this kind; a rule may raise ``level`` and ``requires``, an escalation ``extra_teams``."""
    requires = {**kind.requires, **raised.pop("requires", {})}
    level = max(kind.level, raised.pop("level", kind.level))
    return Shape.of(kind.queue, kind.key, skill=kind.skill_key, level=level, requires=requires, **raised)


def complaints(queue: Queue, plugins: Plugins) -> Iterator[Complaint]:
    """What is wrong with a queue's staffing: (path below the queue, message, nearest valid name)."""
    staffing = queue.staffing
    yield from _unknown("staffing.strategy", plugins.strategy, staffing.strategy)
    unknown = list(_unknown("staffing.model", plugins.model, staffing.model))
    yield from unknown
    if not unknown:
        for name, message in plugins.model(staffing.model).check(staffing.params, queue.teams):
            yield f"staffing.params.{name}", message, None


def _unknown(path: str, find: Callable[[str], object], name: str) -> Iterator[Complaint]:
    try:
        find(name)
    except NotInstalled as missing:
        yield path, missing.message, missing.fields["suggestion"]
