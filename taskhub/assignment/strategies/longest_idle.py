"""Longest idle: whoever has had nothing to do for longest; who holds work is not idle, more work less so.

Somebody who has never finished anything counts as idle for longest. A gift ends idleness at once, so a burst goes
round.
"""

from __future__ import annotations

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


class LongestIdle(PlainStrategy):
    """Fewest held first, then the earliest end of their last task, in seconds since 1970.

    >>> from datetime import UTC, datetime
    >>> from taskhub.assignment.model import AgentFacts
    >>> idle = Standing(AgentFacts("ann", "red", idle_since=datetime(1970, 1, 2, tzinfo=UTC)), None)
    >>> longest_idle.key(idle, Shape("desk", "offer", "offer"), QueueFacts("desk", ("red",)))
    (0, 86400.0)
    """

    name = "longest_idle"
    version = "1"
    parts = ("held", "idle")
    needs = ("idle_since",)

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        since = who.facts.idle_since
        return (who.held, since.timestamp() if since else 0.0)


longest_idle = LongestIdle()
