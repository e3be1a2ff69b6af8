"""A soak: many hands in several processes claim; the invariants are looked at meanwhile and recounted at the end."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from tests.soak import check, hands, house
from tests.soak.hands import Held, Notes

LOOK_EVERY = 2.0


@dataclass(frozen=True)
class Plan:
    """How much: claims in all, processes, threads in each, people who share the work, tasks kept waiting, seed."""

    claims: int = 200_000
    processes: int = 2
    threads: int = 8
    people: int = 60
    waiting: int = 3_000
    seed: int = 1


@dataclass(frozen=True)
class Report:
    """What was won and what was wrong."""

    claims: int
    told: dict[str, int]
    looks: int
    seconds: float
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        told = ", ".join(f"{reason} {count}" for reason, count in sorted(self.told.items()))
        first = (
            f"{self.claims} claims in {self.seconds:.0f} s, {self.looks} looks at capacity; told: {told or 'nothing'}"
        )
        return "\n".join([first, *(self.wrong or ("0 double, 0 over capacity, 0 out of order",))])


def run(plan: Plan, url: str, progress: Any = None) -> Report:
    """One soak on an empty, migrated database."""
    people = house.settle(url, plan.people)
    db = house.open_house(url, 3)
    house.fill(db, plan.waiting)
    begin, over, looks = time.monotonic(), [], 0
    with _crew(plan, url, people) as ends:
        told: list[Notes] = []
        open_ends = list(ends)
        while open_ends:
            for end in wait(open_ends, LOOK_EVERY):
                told.append(end.recv())  # type: ignore[union-attr]
                open_ends.remove(end)  # type: ignore[arg-type]
            over += [f"{who} held {held} of {most:g}" for who, held, most in house.over_capacity(db)]
            looks += 1
            house.fill(db, plan.waiting)
            if progress is not None:
                progress(check.claims_in_history(db), plan.claims)
    held: list[Held] = [one for notes in told for one in notes.held]
    reasons: dict[str, int] = {}
    for notes in told:
        for reason, count in notes.told.items():
            reasons[reason] = reasons.get(reason, 0) + count
    wrong = (*over, *check.verdict(db, held))
    db.close()
    return Report(len(held), reasons, looks, time.monotonic() - begin, wrong)


@contextmanager
def _crew(plan: Plan, url: str, people: list[str]) -> Iterator[list[Connection]]:
    """The processes at work; their ends of the line. Whatever happens, none is left behind."""
    context = multiprocessing.get_context("spawn")
    share, rest = divmod(plan.claims, plan.processes)
    started, ends = [], []
    for number in range(plan.processes):
        mine, theirs = context.Pipe(duplex=False)
        claims = share + (number < rest)
        order = (url, people, claims, plan.seed * 1000 + number, plan.threads, theirs)
        started.append(context.Process(target=hands.work, args=order))
        ends.append(mine)
    try:
        for process in started:
            process.start()
        yield ends
    finally:
        for process in started:
            process.join(30)
            if process.is_alive():
                process.kill()
