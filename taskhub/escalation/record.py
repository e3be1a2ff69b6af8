"""What is on record of a ladder: which step has fired, and for which promise. Pure.

A step is known by what makes it fall due, not by its place in the file: ladders are edited while tasks climb them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.calendars.durations import format_duration
from taskhub.policy.promise import COMPLETION, EscalationPolicy, Step


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised when a step fired. ``due_at`` None: a pause held it. ``given``: a date somebody gave."""

    due_at: datetime | None
    given: bool
    kind: str

    def row(self) -> dict[str, Any]:
        """As it is stored."""
        return {"due_at": self.due_at.isoformat() if self.due_at else None, "given": self.given, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Fired:
    """A step on record: when it was due and when it was done, which is later after an outage.

    ``policy`` None: of whatever ladder is asked. Older versions wrote no ``mark`` and no ``promise``.
    """

    due_at: datetime
    at: datetime
    policy: str | None = None
    mark: str | None = None
    promise: Promise | None = None


OnRecord = Mapping[tuple[int, int], Fired]


def read(row: Any, policy: str) -> Fired:
    """A stored row; ``policy`` is the key of the ladder it belongs to."""
    kept = row.promise
    promise = Promise(_instant(kept["due_at"]), bool(kept["given"]), str(kept["kind"])) if kept else None
    return Fired(row.due_at, row.at, policy, row.mark, promise)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def marks(policy: EscalationPolicy) -> tuple[str, ...]:
    """What each step is known by: its trigger; steps that share one (no file may) are told apart by their order.

    >>> marks(EscalationPolicy("late", (Step(at_fraction=0.5), Step(at_fraction=0.5, business_time=False))))
    ('at_fraction=0.5', 'at_fraction=0.5 wall')
    """
    seen: Counter[str] = Counter()
    found = []
    for step in policy.steps:
        trigger = _trigger(step)
        seen[trigger] += 1
        found.append(trigger if seen[trigger] == 1 else f"{trigger} #{seen[trigger]}")
    return tuple(found)


def _trigger(step: Step) -> str:
    name, wait = ("overdue_for", step.overdue_for) if step.paused_for is None else ("paused_for", step.paused_for)
    text = f"{name}={format_duration(wait, days=False)}" if wait is not None else f"at_fraction={step.at_fraction:g}"
    text = text if step.business_time else f"{text} wall"
    return text if step.target == COMPLETION else f"{step.target} {text}"


def last_of(index: int, mark: str, policy: str, fired: OnRecord) -> Fired | None:
    """The latest firing of one step of that ladder; a row without a mark is known by its number."""
    own = [
        one
        for (number, _), one in fired.items()
        if one.policy in (None, policy) and (number == index if one.mark is None else one.mark == mark)
    ]
    return max(own, key=lambda one: (one.at, one.due_at), default=None)


def free(index: int, fired: OnRecord) -> int:
    """The next repetition under which nothing is on record for that number, whichever step had it then."""
    return 1 + max((repetition for number, repetition in fired if number == index), default=-1)
