"""Work given by a person: assign, hand-over, reopen. The same filters; a manager may override some, on record."""

from __future__ import annotations

from dataclasses import dataclass

from taskhub.assignment.model import AgentFacts, Instant, QueueFacts, TaskFacts
from taskhub.assignment.pull import against
from taskhub.assignment.reasons import AT_CAPACITY, INACTIVE, NOT_BY
from taskhub.assignment.registry import Plugins

# Nobody may override these: four eyes stay four eyes, and a full person stays full.
FINAL = frozenset({INACTIVE, NOT_BY, AT_CAPACITY})


@dataclass(frozen=True, slots=True)
class Manual:
    """Whether the gift stands. ``refused`` may never be overridden; ``overridden`` may, by a manager, on record."""

    task: str
    agent: str
    refused: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()

    @property
    def stands(self) -> bool:
        """For a manager; for anybody else ``overridden`` must be empty too."""
        return not self.refused


def manual(agent: AgentFacts, task: TaskFacts, queue: QueueFacts, now: Instant, plugins: Plugins) -> Manual:
    """What speaks against giving this task to this person by hand. Turns do not move."""
    codes = against(agent, task, queue, now, plugins)
    refused = tuple(code for code in codes if code in FINAL)
    return Manual(task.id, agent.key, refused, tuple(code for code in codes if code not in FINAL))
