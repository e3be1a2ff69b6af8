"""Tries again as the ledger does: whatever is raised waits at least five seconds, or as long as the other side asks."""

import os
import random
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import pytest

from taskhub.connectors.outbound import Converted, Work
from taskhub.errors import TaskhubError, Unavailable
from taskhub.testing.clock import SetClock
from taskhub.testing.crm.faults import KINDS, Faults

T = TypeVar("T")
# Storms against clients, days and stories are most of what this folder takes, so that the gate runs few of them, and
# TASKHUB_CAMPAIGN=full the rest.
SEEDS = 200 if os.environ.get("TASKHUB_CAMPAIGN") == "full" else 20
TRIES = 80


def persist(clock: SetClock, act: Callable[[bool], T]) -> T:
    """``act(first)`` until it succeeds."""
    for attempt in range(TRIES):
        try:
            return act(attempt == 0)
        except TaskhubError as error:
            clock.forward(seconds=max(5.0, getattr(error, "retry_after", 0.0)))
    pytest.fail("it never succeeded")


def stormy(faults: Faults, seed: int) -> None:
    """Every second call goes wrong, in ways of the seed."""
    faults.chance, faults.rate = random.Random(seed), 0.5


def work(task: str = "task-1", **values: object) -> Work:
    given = {"title": "Welcome call", "text": "See http://taskhub.test/tasks/1", "due_on": date(2026, 3, 5), **values}
    return Work(task=task, **given)  # type: ignore[arg-type]


def settle(clock: SetClock, begin: Callable[[bool], Converted], ask: Callable[[str], Converted]) -> Converted:
    """A conversion to its end, whether or not it goes on in a job."""
    now = persist(clock, begin)
    for _ in range(TRIES):
        if now.done:
            return now
        job = now.job or ""
        clock.forward(seconds=5)
        now = persist(clock, lambda _first, job=job: ask(job))
    pytest.fail("the job never ended")


def through_faults(client: Any, faults: Faults) -> list[str]:
    """One piece of work, written under each kind of fault, and done at last. Returns what was said of the faults."""
    said = []
    client.who()
    for kind in KINDS:
        faults.plan([kind])
        try:
            client.write_work(work())
        except Unavailable as error:
            said.append(str(error))
    client.complete_work(client.write_work(work()))
    return said
