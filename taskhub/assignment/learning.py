"""Minutes learnt from finished work: a mean per kind and per kind and person, shrunk towards what is known better.

The kind's mean leans on the file's expected minutes as if those were KIND_PRIOR tasks, a person's mean on the kind's as
if that were PERSON_PRIOR tasks. Means run over the first MEMORY tasks and then forget slowly, so that a person who has
become faster is seen as such. One odd task moves little: it counts at most OUTLIER times, at least 1/OUTLIER of what
was expected. The order of tasks never uses these figures: it takes the file's. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EVERYBODY = ""  # the row of a kind as a whole
KIND_PRIOR = 5
PERSON_PRIOR = 8
MEMORY = 50
OUTLIER = 4.0


@dataclass(frozen=True, slots=True)
class Learnt:
    """What ``n`` tasks have taught: ``minutes`` hands-on each."""

    n: int = 0
    minutes: float = 0.0


def estimate(expected: float, kind: Learnt | None, person: Learnt | None = None) -> float:
    """Minutes one task of the kind takes this person; ``expected`` is the file's.

    >>> estimate(15, None), estimate(15, Learnt(5, 25)), round(estimate(15, Learnt(5, 25), Learnt(8, 10)), 1)
    (15.0, 20.0, 15.0)
    """
    return _shrunk(_shrunk(float(expected), KIND_PRIOR, kind), PERSON_PRIOR, person)


def _shrunk(prior: float, weight: int, learnt: Learnt | None) -> float:
    if learnt is None or learnt.n <= 0:
        return prior
    n = min(learnt.n, MEMORY)
    return (weight * prior + n * learnt.minutes) / (weight + n)


def learn(before: Learnt | None, minutes: float, expected: float) -> Learnt:
    """One more task that took ``minutes``; ``expected`` is what it was thought to take.

    >>> learn(Learnt(1, 10.0), 20.0, 15.0), learn(None, 4000.0, 15.0)
    (Learnt(n=2, minutes=15.0), Learnt(n=1, minutes=60.0))
    """
    was = before or Learnt()
    seen = min(max(minutes, expected / OUTLIER), expected * OUTLIER)
    step = min(was.n + 1, MEMORY)
    return Learnt(was.n + 1, was.minutes + (seen - was.minutes) / step)


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a task's state, and with whom it was from then on."""

    at: datetime
    state: str
    agent: str | None


def moves(rows: Iterable[Mapping[str, Any]]) -> list[Move]:
    """The changes of state in a task's history (rows with ``at`` and ``change``, oldest first)."""
    found: list[Move] = []
    holder: str | None = None
    for row in rows:
        change: Mapping[str, Any] = row["change"]
        holder = change.get("agent", holder)
        if "state" in change:
            found.append(Move(row["at"], change["state"], holder))
    return found


def hands_on(done: Iterable[Move]) -> dict[str, float]:
    """Minutes in progress by person since the task was completed the time before, pauses left out.

    >>> from datetime import UTC, datetime as d
    >>> nine, ten = d(2026, 1, 5, 9, tzinfo=UTC), d(2026, 1, 5, 10, tzinfo=UTC)
    >>> hands_on([Move(nine, "in_progress", "ana"), Move(ten, "completed", "ana")])
    {'ana': 60.0}
    """
    found: dict[str, float] = {}
    begun: Move | None = None
    ended = False
    for move in done:
        if ended:
            found, ended = {}, False
        if begun is not None and begun.agent is not None:
            worked = (move.at - begun.at).total_seconds() / 60
            found[begun.agent] = found.get(begun.agent, 0.0) + worked
        begun = move if move.state == "in_progress" else None
        ended = move.state == "completed"
    return found


def times_completed(done: Iterable[Move]) -> int:
    """How often the task was completed; more than once means it was done again."""
    return sum(move.state == "completed" for move in done)
