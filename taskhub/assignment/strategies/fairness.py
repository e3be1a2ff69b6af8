"""Fair over the quarter: whoever has carried the least for the time they were there.

The ledger counts minutes, and as minutes each hard task, each task in late hours and each duty turn; the sum is
divided by the credit, the part of full-time hours a person was there. So part time and absence are no advantage and no
debt: who comes back is not flooded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.params import is_number, unknown
from taskhub.assignment.seams import Complaint, PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

# How many minutes one hard task, one task in late hours, one duty turn weighs on top of its own.
WEIGHTS: Mapping[str, float] = {"hard": 15.0, "late": 15.0, "duty": 60.0}
MOST = 1_000
# About half a day of a quarter: below that a share of the burden says nothing.
LEAST_CREDIT = 0.01


class Fairness(PlainStrategy):
    """The lightest ledger first.

    >>> from taskhub.assignment.model import AgentFacts
    >>> half_time = Standing(AgentFacts("ann", "red", ledger={"minutes": 60, "hard": 2}, credit=0.5), None)
    >>> fairness.key(half_time, Shape("desk", "offer", "offer"), QueueFacts("desk", ("red",)))
    (180.0, 0)
    """

    name = "fairness"
    version = "1"
    parts = ("ledger", "given_today")
    needs = ("ledger", "credit", "minutes_by_kind")

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        burden = who.facts.ledger.get("minutes", 0.0) + who.minutes_given
        for name, minutes in WEIGHTS.items():
            times = who.facts.ledger.get(name, 0) + (who.hard_given if name == "hard" else 0)
            burden += times * queue.strategy_params.get(name, minutes)
        return (burden / max(who.facts.credit, LEAST_CREDIT), who.given_today)

    def check(self, params: Mapping[str, Any]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, tuple(WEIGHTS))
        for name in WEIGHTS:
            value = params.get(name, 0)
            if not is_number(value) or not 0 <= value <= MOST:
                yield name, f"must be a number of minutes from 0 to {MOST}, not {value!r}"


fairness = Fairness()
