"""In turn by weight: a person of weight 3 gets three tasks where one of weight 1 gets one, spread evenly.

Each gift moves a person's turn by CYCLE / weight, so over one cycle of turns everybody who is always there is given
exactly their weight. With equal weights this is ``round_robin``. Who comes back after a while is next once, as far
behind the row as a whole cycle at most: no flood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm
from typing import Any

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.params import is_whole, unknown
from taskhub.assignment.seams import Complaint, PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

HEAVIEST = 20
# Every weight divides it, so that turns stay whole numbers and a cycle comes out exact.
CYCLE = lcm(*range(1, HEAVIEST + 1))
BY_CAPACITY = "capacity"


class WeightedRoundRobin(PlainStrategy):
    """``weights``: agent -> 1..20, 1 for who is not named; or "capacity": everybody by their own capacity."""

    name = "weighted_round_robin"
    version = "1"
    parts: tuple[str, ...] = ()

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return ()  # the turn, which follows every key, decides alone

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        return max(own, end - CYCLE) + CYCLE // weight_of(who, queue.strategy_params)

    def check(self, params: Mapping[str, Any]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, ("weights",))
        weights = params.get("weights", {})
        if weights == BY_CAPACITY:
            return
        if not isinstance(weights, Mapping):
            yield "weights", f'must be a table agent = weight, or "capacity", not {weights!r}'
            return
        for agent, weight in weights.items():
            if not is_whole(weight, 1, HEAVIEST):
                yield f"weights.{agent}", f"must be a whole number from 1 to {HEAVIEST}, not {weight!r}"


def weight_of(who: Standing, params: Mapping[str, Any]) -> int:
    """How many tasks this person is given in a cycle.

    >>> from taskhub.assignment.model import AgentFacts
    >>> ann = Standing(AgentFacts("ann", "red", capacity=4), None)
    >>> weight_of(ann, {"weights": {"ann": 3}}), weight_of(ann, {}), weight_of(ann, {"weights": "capacity"})
    (3, 1, 4)
    """
    weights = params.get("weights", {})
    weight = round(who.facts.capacity) if weights == BY_CAPACITY else weights.get(who.key, 1)
    return int(min(HEAVIEST, max(1, weight)))


weighted_round_robin = WeightedRoundRobin()
