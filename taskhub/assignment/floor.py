"""Everybody inside one pass: who stands where, who is in which pool, whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from taskhub.assignment import eligibility, reasons
from taskhub.assignment.model import AgentFacts, QueueFacts, Score, Snapshot, TaskFacts
from taskhub.assignment.registry import Plugins
from taskhub.assignment.seams import Patient, Preparing, Strategy
from taskhub.assignment.standing import Standing, TurnBook
from taskhub.tasks.shape import Shape

PoolKey = tuple[str, tuple[str, ...], str, str]


class Floor:
    """The people of a snapshot while a pass gives them work. Tasks are handed in one by one."""

    def __init__(self, snapshot: Snapshot, plugins: Plugins) -> None:
        self.now = snapshot.now
        self.queues = snapshot.queues
        self.plugins = plugins
        self.agents = snapshot.agents
        self.standing = {agent.key: Standing(agent, snapshot.now) for agent in snapshot.agents}
        self._turns = snapshot.turns
        self._books: dict[str, TurnBook] = {}
        self._pools: dict[PoolKey, Mapping[str, str]] = {}
        self._person: dict[str, tuple[str, ...]] = {}

    def book(self, queue: QueueFacts) -> TurnBook:
        """The turns of the queue's rotation."""
        rotation = queue.turn_key
        if rotation not in self._books:
            self._books[rotation] = TurnBook(rotation, self._turns.get(rotation, {}))
        return self._books[rotation]

    def pool(self, shape: Shape) -> Mapping[str, str]:
        """Agent -> why they are not in the pool for tasks of this shape."""
        key = (shape.queue, shape.extra_teams, shape.lane, shape.kind)
        if key not in self._pools:
            queue = self.queues[shape.queue]
            self._pools[key] = eligibility.pool(queue, self.agents, self.now, shape, self.plugins)
        return self._pools[key]

    def codes(self, agent: AgentFacts, shape: Shape) -> tuple[str, ...]:
        """Every reason against this person that lies in pool, shape or person: the same all through the pass."""
        person = self._person.get(agent.key)
        if person is None:
            person = self._person[agent.key] = eligibility.of_person(agent, self.now)
        return eligibility.joined(self.pool(shape).get(agent.key), person, eligibility.of_shape(agent, shape))

    def give(self, task: TaskFacts, agent: str) -> int:
        """Take a gift into account: the person's figures grow, their turn moves. Answers the new turn."""
        queue = self.queues[task.queue]
        book, who = self.book(queue), self.standing[agent]
        strategy = self.plugins.strategy(queue.strategy, queue.strategy_version)
        turn = strategy.next_turn(book.of(agent), book.end, who, queue)
        self.replay(task, agent, turn)
        return turn

    def replay(self, task: TaskFacts, agent: str, turn: int) -> None:
        """Take a recorded gift into account; needs no strategy."""
        self.book(self.queues[task.queue]).move(agent, turn)
        self.standing[agent].give(task)

    def turns(self) -> dict[str, dict[str, int]]:
        """All turns as they are now."""
        untouched = {name: dict(turns) for name, turns in self._turns.items() if name not in self._books}
        return untouched | {name: dict(book.turns) for name, book in self._books.items()}

    def state(self) -> dict[str, Any]:
        """What the pass has changed so far, fit for JSON."""
        moved = {who.key: who.figures() for who in self.standing.values() if who.version}
        return {"people": moved, "turns": {name: turns for name, turns in self.turns().items() if name in self._books}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of ``state``, on a floor over the same snapshot."""
        for agent, figures in state["people"].items():
            self.standing[agent].restore(figures)
        for name, turns in state["turns"].items():
            self._books[name] = TurnBook(name, self._turns.get(name, {}))
            for agent, turn in turns.items():
                self._books[name].move(agent, turn)

    def enrol(self) -> None:
        """Give everybody in a pool a turn in its rotation, out of reach of the order in which they were read."""
        members: dict[str, set[str]] = {}
        for queue in self.queues.values():
            refused = self.pool(Shape(queue.key, "", ""))
            inside = {agent.key for agent in self.agents if agent.active}
            inside -= {key for key, reason in refused.items() if reason in reasons.OUTSIDE}
            members.setdefault(queue.turn_key, set()).update(inside)
        for queue in self.queues.values():
            self.book(queue).enrol(members[queue.turn_key])


class Scale:
    """How one queue's strategy weighs people for tasks of one shape."""

    __slots__ = ("book", "parts", "queue", "ranking", "shape", "strategy")

    def __init__(self, floor: Floor, shape: Shape) -> None:
        self.shape = shape
        self.queue = floor.queues[shape.queue]
        self.book = floor.book(self.queue)
        self.strategy = floor.plugins.strategy(self.queue.strategy, self.queue.strategy_version)
        strategy: Strategy = self.strategy
        self.ranking = strategy.ranking(self.queue) if isinstance(strategy, Patient) else strategy
        self.parts = (*self.ranking.parts, "turn")

    def prepare(self, people: Iterable[Standing]) -> None:
        """These are about to be scored."""
        if isinstance(self.ranking, Preparing):
            self.ranking.prepare(tuple(people), self.shape, self.queue)

    def score(self, who: Standing) -> Score:
        """The strategy's key, then the turn; smallest first."""
        return (*self.ranking.key(who, self.shape, self.queue), self.book.of(who.key))

    def lot(self, who: Standing) -> int:
        """Settles what even the turn leaves open, such as two guests."""
        return self.book.lot(who.key)

    def tie(self, first: Score, second: Score) -> str:
        """The part of the score that set two people apart."""
        apart = (part for part, one, other in zip(self.parts, first, second, strict=False) if one != other)
        return next(apart, "draw")


def enrolled(snapshot: Snapshot, plugins: Plugins) -> Snapshot:
    """The snapshot with a turn for everybody in a pool: what a pass decides on, and what is stored."""
    floor = Floor(snapshot, plugins)
    floor.enrol()
    return replace(snapshot, turns=floor.turns())
