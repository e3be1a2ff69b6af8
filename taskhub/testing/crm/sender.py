"""Deliveries leaving a fake: due by its clock, tried again as its system does, twice or shuffled at will."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from taskhub.testing.clock import SetClock
from taskhub.testing.crm.faults import Faults


@dataclass(frozen=True, slots=True)
class Parcel:
    """One try of one delivery. ``body`` as it leaves; ``tag`` is whatever its sender wants to find again."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    due_at: datetime
    attempt: int = 1
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``status`` None when nothing did."""

    status: int | None
    body: bytes = b""


Post = Callable[[Parcel], Answer]
# What to do after an answer: the next tries of what was in it, none when it has arrived or is given up.
After = Callable[[Parcel, Answer], Sequence[Parcel]]


@dataclass
class Sender:
    """``after`` is the rule of the system, ``render`` writes a body at the moment of sending.

    ``log`` keeps every try with its answer.
    """

    clock: SetClock
    faults: Faults
    post: Post
    after: After
    render: Callable[[Parcel], Parcel] = field(default=lambda parcel: parcel)
    waiting: list[Parcel] = field(default_factory=list)
    lost: list[Parcel] = field(default_factory=list)
    log: list[tuple[Parcel, Answer]] = field(default_factory=list)

    def put(self, parcel: Parcel) -> None:
        """On its way; it leaves at the next ``run`` that finds it due. During a ban it is lost."""
        if self.faults.banned:
            self.faults.struck.add("banned")
            self.lost.append(parcel)
        else:
            self.waiting.append(parcel)

    def run(self) -> int:
        """Send what is due now; returns how many tries that made."""
        due = self.due()
        for parcel in map(self.render, due):
            self.settle(parcel, self.post(parcel))
        return len(due)

    def due(self) -> list[Parcel]:
        """Takes what is due now, unrendered, for who sends it himself and ``settle``s each."""
        due = sorted((one for one in self.waiting if one.due_at <= self.clock.now), key=lambda one: one.due_at)
        self.waiting = [one for one in self.waiting if one.due_at > self.clock.now]
        if due and self.faults.copies > 1:
            self.faults.struck.add("copies")
        due = [one for one in due for _ in range(self.faults.copies)]
        if len(due) > 1 and self.faults.shuffle is not None:
            self.faults.struck.add("shuffle")
            self.faults.shuffle.shuffle(due)
        return due

    def settle(self, parcel: Parcel, answer: Answer) -> None:
        """What comes of an answer."""
        self.log.append((parcel, answer))
        self.waiting.extend(self.after(parcel, answer))

    def run_out(self, longest: timedelta = timedelta(days=2)) -> int:
        """Move the clock from one due try to the next until nothing waits or ``longest`` is over."""
        end, sent = self.clock.now + longest, self.run()
        while self.waiting and (due := min(one.due_at for one in self.waiting)) <= end:
            self.clock.now = max(self.clock.now, due)
            sent += self.run()
        return sent


def later(parcel: Parcel, at: datetime, **changes: Any) -> Parcel:
    """The next try."""
    return replace(parcel, due_at=at, attempt=parcel.attempt + 1, **changes)


def over_http(client: httpx.Client, patience: float) -> Post:
    """Posts for real; no redirects. ``patience`` in seconds is the system's own."""

    def post(parcel: Parcel) -> Answer:
        try:
            answer = client.post(parcel.url, content=parcel.body, headers=parcel.headers, timeout=patience)
        except httpx.HTTPError:
            return Answer(None)
        return Answer(answer.status_code, answer.content)

    return post
