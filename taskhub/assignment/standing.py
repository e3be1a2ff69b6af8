"""How people stand inside one pass: their facts, and what the pass has given them so far."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from taskhub.agents.capacity import effective, minutes_left
from taskhub.assignment.model import AgentFacts, Instant, QueueFacts, TaskFacts
from taskhub.assignment.reasons import AT_CAPACITY, RAMPING, VARIETY_CEILING

# From this skill level on a task counts as hard.
HARD_LEVEL = 4


class Standing:
    """One person inside one pass. Figures only grow while a pass gives work; ``version`` tells when they did."""

    __slots__ = (
        "capacity", "facts", "given_today", "hard_given", "held", "held_by_queue", "held_minutes", "key", "kinds_today",
        "load", "minutes_given", "version",
    )  # fmt: skip

    def __init__(self, facts: AgentFacts, now: Instant) -> None:
        self.key = facts.key
        self.facts = facts
        self.capacity = effective(facts.capacity, facts.ramp_share, facts.ramp_until, now)
        self.held = facts.held
        self.held_minutes = facts.held_minutes
        self.held_by_queue: dict[str, int] = dict(facts.held_by_queue)
        self.load = facts.load
        self.given_today = facts.given_today
        self.kinds_today: dict[str, int] = dict(facts.kinds_today)
        self.minutes_given = 0.0
        self.hard_given = 0
        self.version = 0

    def give(self, task: TaskFacts) -> None:
        """Take one more task into account."""
        self.held += 1
        self.held_minutes += task.minutes
        self.held_by_queue[task.queue] = self.held_by_queue.get(task.queue, 0) + 1
        self.load += task.weight
        self.given_today += 1
        self.kinds_today[task.kind] = self.kinds_today.get(task.kind, 0) + 1
        self.minutes_given += self.facts.minutes_by_kind.get(task.kind, task.minutes)
        self.hard_given += task.shape.level >= HARD_LEVEL
        self.version += 1

    @property
    def load_minutes(self) -> float:
        """Open work in the minutes this person is expected to need for it."""
        return self.facts.load_minutes + self.minutes_given

    def ceiling(self, queue: QueueFacts, kind: str) -> str | None:
        """Why one more task of that kind would be too much of the same today; None when it would not."""
        most = queue.ceilings.get(kind)
        return None if most is None or self.kinds_today.get(kind, 0) < most else VARIETY_CEILING

    def no_room(self, queue: str) -> str | None:
        """Why one more task of that queue does not fit; None when it does."""
        if self.held >= self.facts.capacity or not minutes_left(self.facts.capacity_minutes, self.held_minutes):
            return AT_CAPACITY
        if self.facts.queue_caps and self._capped(queue):
            return AT_CAPACITY
        return RAMPING if self.held >= self.capacity else None

    def _capped(self, queue: str) -> bool:
        cap = self.facts.queue_caps.get(queue)
        return cap is not None and self.held_by_queue.get(queue, 0) >= cap

    def figures(self) -> list[Any]:
        """The moving part, fit for JSON."""
        plain = [self.held, self.held_minutes, self.load, self.given_today, self.minutes_given, self.hard_given]
        return [*plain, dict(self.held_by_queue), dict(self.kinds_today)]

    def restore(self, figures: list[Any]) -> None:
        """Inverse of ``figures``."""
        self.held, self.held_minutes, self.load, self.given_today, *given, by_queue, by_kind = figures
        self.minutes_given, self.hard_given = given
        self.held_by_queue, self.kinds_today = dict(by_queue), dict(by_kind)
        self.version += 1


class TurnBook:
    """The turns of one rotation: a number per person, the smallest is next, ``end`` the largest.

    One place behind the row is kept for guests, who have no turn before their first gift.
    """

    __slots__ = ("_guests", "_lots", "end", "rotation", "turns")

    def __init__(self, rotation: str, turns: Mapping[str, int]) -> None:
        self.rotation = rotation
        self.turns = dict(turns)
        self._guests = max(turns.values(), default=0) + 1
        self.end = self._guests
        self._lots: dict[str, int] = {}

    def of(self, agent: str) -> int:
        """This person's turn; a guest who never took part stands where the row ended when the pass began."""
        return self.turns.get(agent, self._guests)

    def move(self, agent: str, turn: int) -> None:
        """Give this person another turn."""
        self.turns[agent] = turn
        self.end = max(self.end, turn)

    def enrol(self, agents: set[str]) -> None:
        """Newcomers join at the end; several at once in an order that has nothing to do with id or account age."""
        for agent in sorted(agents - self.turns.keys(), key=self.lot):
            self.move(agent, self.end + 1)

    def lot(self, agent: str) -> int:
        """A lot drawn once for ever for this person in this rotation: neither id nor age."""
        lot = self._lots.get(agent)
        if lot is None:
            drawn = blake2b(f"{self.rotation}\0{agent}".encode(), digest_size=8).digest()
            lot = self._lots[agent] = int.from_bytes(drawn, "big")
        return lot
