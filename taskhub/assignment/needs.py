"""Which facts of people a queue's decisions need beyond what is always read. Pure: the dear ones are read on demand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from taskhub.assignment.model import QueueFacts
from taskhub.assignment.registry import NotInstalled, Plugins

TODAY = "given_today"
FRONT_LINE = "front_line_waiting"
SHARE = "share_served"
IDLE = "idle_since"
MINUTES = "minutes_by_kind"
KINDS = "kinds_today"
LEDGER = "ledger"
SERVED_BY = "served_by"
ALL = frozenset({TODAY, FRONT_LINE, SHARE, IDLE, MINUTES, KINDS, LEDGER, SERVED_BY})
NOTHING: frozenset[str] = frozenset()

# Built-ins that say nothing of their own; what a foreign plug-in does not say is read as "everything".
_MODELS: dict[str, frozenset[str]] = {
    "dedicated": NOTHING,
    "overflow": NOTHING,
    "rotating": frozenset({FRONT_LINE, SHARE}),
    "duty_rota": NOTHING,
    "chain": NOTHING,
    "share": NOTHING,
}
_STRATEGIES: dict[str, frozenset[str]] = {
    "round_robin": NOTHING,
    "weighted_round_robin": NOTHING,
    "least_loaded": frozenset({TODAY}),
    "expected_work": frozenset({MINUTES, TODAY}),
    "longest_idle": frozenset({IDLE}),
    "best_skill": frozenset({TODAY}),
    "sticky": frozenset({SERVED_BY, TODAY}),
    "fairness": frozenset({LEDGER}),
}
# Facts that only matter where a parameter of the model asks for them.
_BY_PARAM = {SHARE: "share_of_shift"}


def of_model(queue: QueueFacts, plugins: Plugins) -> frozenset[str]:
    """What the filters of a queue need: its model and its ceilings.

    >>> from taskhub.assignment.registry import built_ins
    >>> sorted(of_model(QueueFacts("desk", ("front",), model="rotating"), built_ins()))
    ['front_line_waiting']
    """
    named = _named(plugins.model, queue.model, queue.model_version, _MODELS)
    wanted = {fact for fact in named if queue.params.get(_BY_PARAM.get(fact, "")) or fact not in _BY_PARAM}
    return frozenset(wanted | {KINDS} if queue.ceilings else wanted)


def of_strategy(queue: QueueFacts, plugins: Plugins) -> frozenset[str]:
    """What the ranking of a queue needs, the strategy it falls back on included."""
    names = {queue.strategy: queue.strategy_version}
    fallback = queue.strategy_params.get("fallback")
    if isinstance(fallback, str):
        names.setdefault(fallback, "")
    wanted: frozenset[str] = NOTHING
    for name, version in names.items():
        wanted |= _named(plugins.strategy, name, version, _STRATEGIES)
    return wanted


def of_push(queues: Iterable[QueueFacts], plugins: Plugins) -> frozenset[str]:
    """What one pass over these queues needs."""
    return NOTHING.union(*(of_model(queue, plugins) | of_strategy(queue, plugins) for queue in queues))


def of_pull(queues: Iterable[QueueFacts], plugins: Plugins) -> frozenset[str]:
    """What a claim from these queues needs: no strategy is asked."""
    return NOTHING.union(*(of_model(queue, plugins) for queue in queues))


def _named(find: Any, name: str, version: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    try:
        plugin = find(name, version)
    except NotInstalled:
        return ALL
    said: Collection[str] | None = getattr(plugin, "needs", None)
    return known.get(name, ALL) if said is None else frozenset(said)
