"""In turn, whatever anybody holds: absent people keep their place, newcomers join at the end."""

from __future__ import annotations

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


class RoundRobin(PlainStrategy):
    """After a gift to the end of the row.

    >>> from taskhub.assignment.model import AgentFacts
    >>> ann = Standing(AgentFacts("ann", "red"), None)
    >>> round_robin.next_turn(3, 17, ann, QueueFacts("desk", ("red",)))
    18
    """

    name = "round_robin"
    version = "1"
    parts: tuple[str, ...] = ()

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return ()  # the turn, which follows every key, decides alone


round_robin = RoundRobin()
