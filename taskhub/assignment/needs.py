"""Which facts of people a queue's decisions read beyond what is always read, by field of AgentFacts. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from taskhub.assignment.model import QueueFacts
from taskhub.assignment.registry import Plugins
from taskhub.assignment.seams import Needing, PlainStrategy
from taskhub.assignment.serving import EVERY_FACT
from taskhub.assignment.serving import needs as asked

GIVEN_TODAY = "given_today"
FRONT_LINE = "front_line_waiting"
SHARE = "share_served"
IDLE = "idle_since"
MINUTES = "minutes_by_kind"
KINDS = "kinds_today"
LEDGER = "ledger"
NOTHING: frozenset[str] = frozenset()


def of_push(queues: Iterable[QueueFacts], plugins: Plugins) -> frozenset[str]:
    """What one pass over these queues needs; what was given today settles ties everywhere."""
    return NOTHING.union({GIVEN_TODAY}, *(asked(queue, plugins) - _spared(queue) for queue in queues))


def of_pull(queues: Iterable[QueueFacts], plugins: Plugins) -> frozenset[str]:
    """What a claim from these queues needs: model and ceilings, no strategy is asked.

    >>> from taskhub.assignment.registry import built_ins
    >>> sorted(of_pull([QueueFacts("desk", ("front",), model="rotating")], built_ins()))
    ['front_line_waiting']
    """
    return NOTHING.union(*(_of_filters(queue, plugins) - _spared(queue) for queue in queues))


def served_by(queues: Iterable[QueueFacts], plugins: Plugins) -> bool:
    """Whether a strategy has favourites, so that it matters who served a customer last."""
    kinds = [type(plugins.strategy(queue.strategy, queue.strategy_version)) for queue in queues]
    return any(getattr(kind, "favourite", None) is not PlainStrategy.favourite for kind in kinds)


def _of_filters(queue: QueueFacts, plugins: Plugins) -> frozenset[str]:
    model = plugins.model(queue.model, queue.model_version)
    found = frozenset(model.needs) if isinstance(model, Needing) else EVERY_FACT
    return found | {KINDS} if queue.ceilings else found


def _spared(queue: QueueFacts) -> frozenset[str]:
    """The share of the shift matters only where a limit is set."""
    unlimited = queue.model == "rotating" and queue.params.get("share_of_shift") is None
    return frozenset({SHARE}) if unlimited else NOTHING
