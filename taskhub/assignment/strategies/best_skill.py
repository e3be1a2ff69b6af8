"""Best skill: the highest level for the task's skill, then the lightest load, then fewer given today."""

from __future__ import annotations

from taskhub.assignment.model import QueueFacts, Score
from taskhub.assignment.seams import PlainStrategy
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape


class BestSkill(PlainStrategy):
    """The highest level first.

    >>> from taskhub.assignment.model import AgentFacts
    >>> expert = Standing(AgentFacts("ann", "red", skills={"offer": 5}, load=2.0), None)
    >>> best_skill.key(expert, Shape("desk", "offer", "offer"), QueueFacts("desk", ("red",)))
    (-5, 2.0, 0)
    """

    name = "best_skill"
    version = "1"
    parts = ("skill", "load", "given_today")

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return (-who.facts.skills.get(shape.skill, 0), who.load, who.given_today)


best_skill = BestSkill()
