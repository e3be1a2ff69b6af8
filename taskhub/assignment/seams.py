"""The two doors for plug-ins: a staffing model says who is in the pool, a strategy says which of them.

Both are plain objects registered under the entry points ``taskhub.staffing_models`` and ``taskhub.strategies``;
built-ins come in the same way. Both are pure: same arguments, same answer; no clock, no chance, nothing changed. The
contract suite in ``taskhub.testing.strategy_contract`` checks that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from taskhub.assignment.model import AgentFacts, Instant, QueueFacts, Score, TaskFacts
from taskhub.assignment.standing import Standing
from taskhub.tasks.shape import Shape

Complaint = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PoolAsk:
    """What a model is asked: which of these people, all of the queue's own teams, serve it at ``now``.

    ``kind`` of the task, ``lane`` the pool it was drawn for; empty means any: who serves the queue at all.
    """

    queue: QueueFacts
    agents: Sequence[AgentFacts]
    now: Instant
    lane: str = ""
    kind: str = ""


class StaffingModel(Protocol):
    """Which of a queue's people serve it, when."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...

    def refused(self, ask: PoolAsk) -> Mapping[str, str]:
        """Agent -> reason code for everybody who is not in the pool now; who is not named is in it."""
        ...

    def check(self, params: Mapping[str, Any], teams: Sequence[str]) -> Iterator[Complaint]:
        """What is wrong with the parameters of a queue served by ``teams``: (parameter, message) pairs."""
        ...


class Strategy(Protocol):
    """Which one of the pool: the smallest key. The turn of the queue's rotation settles what the key leaves open.

    Keys never shrink while a pass gives a person work: a pass looks again only at whoever comes first.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def parts(self) -> tuple[str, ...]:
        """A name for each part of the key: reason codes of the choice."""
        ...

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        """How well this person suits tasks of this shape now, smallest first; as many numbers as ``parts``."""
        ...

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        """Somebody who goes before all others for this very task, if they may take it."""
        ...

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        """This person's turn after being given a task; ``end`` is the largest turn of the rotation."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A strategy that answers for many people at once: those of others, which stand behind a process."""

    def prepare(self, people: Sequence[Standing], shape: Shape, queue: QueueFacts) -> None:
        """Their keys will be asked next."""
        ...


@runtime_checkable
class Checking(Protocol):
    """A strategy that takes parameters and judges them when they are loaded."""

    def check(self, params: Mapping[str, Any]) -> Iterator[Complaint]:
        """What is wrong with ``staffing.strategy_params``: (parameter, message) pairs."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A strategy that lets a task wait for its favourite, and leaves the others to a strategy of its own."""

    def patient(self, task: TaskFacts, queue: QueueFacts, now: Instant) -> bool:
        """Whether the task still waits for a favourite who is in the pool but not free."""
        ...

    def patience_ends(self, task: TaskFacts, queue: QueueFacts) -> Instant | None:
        """When it no longer does, and is to be looked at again; None: it never waits."""
        ...

    def ranking(self, queue: QueueFacts) -> Strategy:
        """What puts the people in order where the favourite does not get the task."""
        ...


@runtime_checkable
class Needing(Protocol):
    """A model or strategy that names the facts about people it reads beyond the cheap ones, by field."""

    @property
    def needs(self) -> tuple[str, ...]: ...


@runtime_checkable
class NamingKinds(Protocol):
    """A model whose parameters name kinds of the queue."""

    def kinds(self, params: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
        """Parameter -> the kinds it names; of parameters that ``check`` accepts."""
        ...


class PlainStrategy:
    """What most strategies share: no parameters, no favourites, and after a gift to the end of the row."""

    name = ""
    needs: tuple[str, ...] = ()

    def check(self, params: Mapping[str, Any]) -> Iterator[Complaint]:
        yield from ((name, f"is not a parameter of {self.name}") for name in params)

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        return None

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        return end + 1
