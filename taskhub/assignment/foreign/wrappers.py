"""Plug-ins of others as the engine sees them: the same two doors, with a wall behind.

A **model** is never asked while something is decided: workers ask it before a pass and keep its pool, which snapshot
and claim read like any other fact. So its decisions run again without it. A **strategy** is asked by passes, through
one child process; elsewhere it stands at rest and says where it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from taskhub.assignment.foreign import answers
from taskhub.assignment.foreign.answers import Nonsense, Said
from taskhub.assignment.foreign.process import Failed, Process
from taskhub.assignment.model import AgentFacts, QueueFacts, Score, TaskFacts
from taskhub.assignment.reasons import NOT_IN_POOL, POOL_CLOSED
from taskhub.assignment.registry import NotInstalled
from taskhub.assignment.seams import Complaint, PoolAsk
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

# So many people fit well into the deadline of one question.
AT_ONCE = 500
EVERYTHING = (*(one.name for one in fields(AgentFacts)), "served_by")


class PluginFailed(Exception):
    """A plug-in gave no sound answer for a queue."""

    def __init__(self, queue: str, name: str, version: str, why: str) -> None:
        super().__init__(f"{name} {version} {why}")
        self.queue = queue
        self.name = name
        self.version = version
        self.why = why


class _Foreign:
    """What both doors share. One that does not say what it needs may look at everything."""

    def __init__(self, said: Said, process: Process) -> None:
        self.said = said
        self.name = said.name
        self.version = said.version
        self.needs = EVERYTHING if said.needs is None else said.needs
        self.process = process

    def check(self, params: Mapping[str, Any], *teams: Sequence[str]) -> Iterator[Complaint]:
        """Its own judgement of parameters; one that gives none is a fault of its own."""
        given = (dict(params), *(tuple(each) for each in teams))
        try:
            yield from answers.complaints(self.process.ask("check", self.said.value, *given))
        except (Failed, IndexError) as failed:
            yield "", f"could not be checked: {self.name} {self.version} {failed}"
        finally:
            self.process.close()


class ForeignModel(_Foreign):
    """Who serves the queue, as a worker last found it; nobody as long as no worker has looked."""

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        state = ask.queue.pool_state
        if state is None or not state.open:
            return dict.fromkeys((agent.key for agent in ask.agents), POOL_CLOSED)
        if state.members is None:
            return {}
        return {agent.key: NOT_IN_POOL for agent in ask.agents if agent.key not in state.members}

    def found(self, ask: PoolAsk) -> frozenset[str]:
        """Asks the plug-in itself who is in the pool. Raises PluginFailed."""
        asked = [agent.key for agent in ask.agents]
        try:
            out = answers.refusals(self.process.ask("refused", self.said.value, ask), asked)
        except (Failed, Nonsense) as failed:
            raise PluginFailed(ask.queue.key, self.name, self.version, str(failed)) from None
        return frozenset(asked) - out.keys()


class RestingStrategy(_Foreign):
    """A strategy where nothing is given away: it is known, and never asked."""

    def __init__(self, said: Said, process: Process) -> None:
        super().__init__(said, process)
        self.parts = said.parts

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        raise self._elsewhere()

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        raise self._elsewhere()

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        raise self._elsewhere()

    def _elsewhere(self) -> NotInstalled:
        told = f"strategy {self.name} {self.version} is a plug-in and runs in workers only; `taskhub why` asks it"
        return NotInstalled(told, name=self.name, version=self.version)


class AskedStrategy(RestingStrategy):
    """A strategy asked through the child process, for one pass: what it answered once holds to its end.

    Raises PluginFailed wherever an answer is not sound.
    """

    def __init__(self, said: Said, process: Process) -> None:
        super().__init__(said, process)
        self.answered: set[str] = set()  # queues for which it gave sound keys
        self._keys: dict[tuple[Any, ...], Score] = {}
        self._turns: dict[tuple[Any, ...], int] = {}
        self._favourites: dict[tuple[Any, ...], str | None] = {}

    def prepare(self, people: Sequence[Standing], shape: Shape, queue: QueueFacts) -> None:
        """Asks for the keys of many people at once."""
        new = [who for who in people if _place(who, shape, queue) not in self._keys]
        for at in range(0, len(new), AT_ONCE):
            self._learn(new[at : at + AT_ONCE], shape, queue)

    def _learn(self, new: Sequence[Standing], shape: Shape, queue: QueueFacts) -> None:
        raw = self._ask(queue, "keys", new, shape, queue)
        try:
            found = answers.scores(raw, len(new), len(self.parts))
        except Nonsense as nonsense:
            raise self._failed(queue, nonsense) from None
        self.answered.add(queue.key)
        self._keys |= {_place(who, shape, queue): key for who, key in zip(new, found, strict=True)}

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        self.prepare((who,), shape, queue)
        return self._keys[_place(who, shape, queue)]

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        if not self.said.favourites:
            return None
        place = (queue.key, task.id)
        if place not in self._favourites:
            try:
                self._favourites[place] = answers.agent_key(self._ask(queue, "favourite", task, queue))
            except Nonsense as nonsense:
                raise self._failed(queue, nonsense) from None
        return self._favourites[place]

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        if not self.said.turns:
            return end + 1
        place = (own, end, who.key, queue.key, repr(who.figures()))
        if place not in self._turns:
            try:
                self._turns[place] = answers.turn(self._ask(queue, "next_turn", own, end, who, queue), own)
            except Nonsense as nonsense:
                raise self._failed(queue, nonsense) from None
        return self._turns[place]

    def _ask(self, queue: QueueFacts, verb: str, *args: Any) -> Any:
        try:
            return self.process.ask(verb, self.said.value, *args)
        except Failed as failed:
            raise self._failed(queue, failed) from None

    def _failed(self, queue: QueueFacts, why: Exception) -> PluginFailed:
        return PluginFailed(queue.key, self.name, self.version, str(why))


def _place(who: Standing, shape: Shape, queue: QueueFacts) -> tuple[Any, ...]:
    """Where a key is kept: all that may change it inside a pass."""
    return queue.key, shape, who.key, repr(who.figures())
