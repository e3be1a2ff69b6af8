"""Fair by expected work: the fewest minutes of open work, learnt per kind and person; then fewer given today.

What a person is given counts with the minutes that very person is expected to need.
"""

from __future__ import annotations

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


class ExpectedWork(PlainStrategy):
    """The least expected work first.

    >>> from taskhub.assignment.model import AgentFacts
    >>> busy = Standing(AgentFacts("ann", "red", load_minutes=40.0, given_today=2), None)
    >>> expected_work.key(busy, Shape("desk", "offer", "offer"), QueueFacts("desk", ("red",)))
    (40.0, 2)
    """

    name = "expected_work"
    version = "1"
    parts = ("minutes", "given_today")
    needs = ("load_minutes", "minutes_by_kind")

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return (who.load_minutes, who.given_today)


expected_work = ExpectedWork()
