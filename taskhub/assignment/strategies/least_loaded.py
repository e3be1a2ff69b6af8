"""Fair by workload: the least open work by weight over all queues, then fewer given today, then the turn."""

from __future__ import annotations

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


class LeastLoaded(PlainStrategy):
    """The lightest load first.

    >>> from taskhub.assignment.model import AgentFacts
    >>> ann = Standing(AgentFacts("ann", "red", load=2.5, given_today=4), None)
    >>> least_loaded.key(ann, Shape("desk", "offer", "offer"), QueueFacts("desk", ("red",)))
    (2.5, 4)
    """

    name = "least_loaded"
    version = "1"
    parts = ("load", "given_today")

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return (who.load, who.given_today)


least_loaded = LeastLoaded()
