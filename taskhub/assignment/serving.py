"""How a queue of the policy files is served: its facts for a decision, and what is wrong with its staffing.

A plug-in may be uninstalled while files or switches still name it. The queue is then served by MODEL, all its teams,
and STRATEGY, and its facts say for what these stand in: a package that goes must not stop the house.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from taskhub.assignment.model import AgentFacts, PoolState, QueueFacts
from taskhub.assignment.registry import NotInstalled, Plugins
from taskhub.assignment.seams import Checking, NamingKinds, Needing, Patient
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.work import Kind, Queue, Staffing
from taskhub.tasks.shape import Shape

Complaint = tuple[str, str, str | None]

MODEL, STRATEGY = "dedicated", "least_loaded"
EVERY_FACT = frozenset(one.name for one in fields(AgentFacts))


def served(
    queue: Queue,
    plugins: Plugins,
    *,
    switch: Staffing | None = None,
    pool_state: PoolState | None = None,
    kinds: Iterable[Kind] = (),
) -> QueueFacts:
    """The queue as it is served now; a ``switch`` whose time has come wins over the file.

    ``kinds`` give their ceilings; those of other queues do not matter.
    """
    asked = switch or queue.staffing
    gone = missing(asked, plugins)
    staffing = standing_in(asked, plugins) if gone else asked
    return QueueFacts(
        key=queue.key,
        teams=queue.teams,
        model=staffing.model,
        model_version=plugins.model(staffing.model).version,
        params=staffing.params,
        strategy=staffing.strategy,
        strategy_version=plugins.strategy(staffing.strategy).version,
        strategy_params=_strategy_params(queue, staffing),
        rotation=queue.rotation or "",
        pull=queue.mode == "pull",
        paused=queue.paused,
        pool_state=pool_state if staffing.model == asked.model else None,
        missing=gone,
        ceilings={
            kind.key: kind.variety_ceiling
            for kind in kinds
            if kind.queue == queue.key and kind.variety_ceiling is not None
        },
    )


def missing(staffing: Staffing, plugins: Plugins) -> tuple[str, ...]:
    """Names the staffing asks for and this installation lacks."""
    asked = ((plugins.model_names, staffing.model), (plugins.strategy_names, staffing.strategy))
    return tuple(dict.fromkeys(name for known, name in asked if name not in known))


def standing_in(staffing: Staffing, plugins: Plugins) -> Staffing:
    """The staffing with built-ins in the place of what is not installed."""
    if staffing.model not in plugins.model_names:
        staffing = replace(staffing, model=MODEL, params={})
    if staffing.strategy not in plugins.strategy_names:
        staffing = replace(staffing, strategy=STRATEGY, strategy_params={})
    return staffing


def _strategy_params(queue: Queue, staffing: Staffing) -> Any:
    """A switch that keeps the file's strategy and says nothing of its parameters keeps them too."""
    if staffing.strategy_params or staffing.strategy != queue.staffing.strategy:
        return staffing.strategy_params
    return queue.staffing.strategy_params


def needs(queue: QueueFacts, plugins: Plugins) -> frozenset[str]:
    """The fields of AgentFacts that model and strategy read beyond the cheap ones; a plug-in that is silent: all."""
    strategy = plugins.strategy(queue.strategy, queue.strategy_version)
    asked = [plugins.model(queue.model, queue.model_version), strategy]
    if isinstance(strategy, Patient):
        asked.append(strategy.ranking(queue))
    found: set[str] = set()
    for one in asked:
        found.update(one.needs if isinstance(one, Needing) else EVERY_FACT)
    return frozenset(found | ({"kinds_today"} if queue.ceilings else set()))


def shape_of(kind: Kind, **raised: Any) -> Shape:
    """The shape of a task of this kind; a rule may raise ``level`` and ``requires``, an escalation ``extra_teams``."""
    requires = {**kind.requires, **raised.pop("requires", {})}
    level = max(kind.level, raised.pop("level", kind.level))
    return Shape.of(kind.queue, kind.key, skill=kind.skill_key, level=level, requires=requires, **raised)


def complaints(queue: Queue, plugins: Plugins, kinds: Iterable[Kind] = ()) -> Iterator[Complaint]:
    """What is wrong with a queue's staffing: (path below the queue, message, nearest valid name).

    ``kinds`` are those a model may name; without any, names of kinds are not looked at.
    """
    staffing = queue.staffing
    unknown = list(_unknown("staffing.strategy", plugins.strategy, staffing.strategy))
    yield from unknown or _of_strategy(staffing, plugins)
    unknown = list(_unknown("staffing.model", plugins.model, staffing.model))
    yield from unknown or _of_model(queue, plugins, [kind.key for kind in kinds if kind.queue == queue.key])


def _of_strategy(staffing: Staffing, plugins: Plugins) -> Iterator[Complaint]:
    strategy = plugins.strategy(staffing.strategy)
    if isinstance(strategy, Checking):
        for name, message in strategy.check(staffing.strategy_params):
            yield f"staffing.strategy_params.{name}", message, None


def _of_model(queue: Queue, plugins: Plugins, kinds: list[str]) -> Iterator[Complaint]:
    model, params = plugins.model(queue.staffing.model), queue.staffing.params
    found = [(f"staffing.params.{name}", message, None) for name, message in model.check(params, queue.teams)]
    yield from found
    if found or not kinds or not isinstance(model, NamingKinds):
        return
    for name, named in model.kinds(params).items():
        for kind in named:
            if kind not in kinds:
                message = f"{kind!r} is no kind of this queue; its kinds: {', '.join(kinds)}"
                yield f"staffing.params.{name}", message, nearest(kind, kinds)


def _unknown(path: str, find: Callable[[str], object], name: str) -> Iterator[Complaint]:
    try:
        find(name)
    except NotInstalled as missing:
        yield path, missing.message, missing.fields["suggestion"]
