"""One process of claiming people: takes, completes, gives back, puts aside, and notes when it surely held what."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from taskhub.assignment import service as assignment
from taskhub.db.database import Database
from taskhub.errors import TaskhubError
from taskhub.tasks import service as tasks
from taskhub.testing import organisation as org
from tests.soak.house import open_house


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch in which ``agent`` surely held ``task``: from after the claim's commit to before the act that ended it.

    Instants are of the machine's monotonic clock, which all processes share; ``until`` None: held to the end.
    """

    task: str
    agent: str
    token: int
    since: float
    until: float | None = None


@dataclass
class Notes:
    """What one process saw: the claims it won, and the refusals it was told."""

    held: list[Held]
    told: dict[str, int]


def work(url: str, people: list[str], claims: int, seed: int, threads: int, say: Connection) -> None:
    """Claims until this process has won ``claims``; sends its notes at the end."""
    db = open_house(url, threads + 2)
    notes, lock = Notes([], defaultdict(int)), threading.Lock()
    won = iter(range(claims))

    def hand(number: int) -> None:
        chance = random.Random(f"{seed}:{number}")
        for _ in iter(lambda: next(won, None), None):
            held, told = turn(db, chance, chance.choice(people))
            with lock:
                notes.held += held
                for reason in told:
                    notes.told[reason] += 1

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(hand, range(threads)))
    db.close()
    say.send(notes)


def turn(db: Database, chance: random.Random, who: str) -> tuple[list[Held], list[str]]:
    """One claim and what becomes of it; a full or empty-handed person first ends something of theirs."""
    told = []
    while True:
        with db.begin(org.as_agent(who), act="task.claim") as tx:
            got = assignment.claim(tx)
        since = time.monotonic()
        if got.task is not None and got.lease is not None:
            return [end(db, chance, who, Held(got.task.id, who, got.lease.token, since))], told
        told.append(str(got.reason))
        free(db, who)


def end(db: Database, chance: random.Random, who: str, held: Held) -> Held:
    """Most work is done at once; some is given back, some lies until its person is full."""
    fate = chance.random()
    if fate < 0.15:
        return held
    until = time.monotonic()
    try:
        with db.begin(org.as_agent(who), act="task.end") as tx:
            if fate < 0.9:
                tasks.complete(tx, held.task, held.token)
            else:
                tasks.release(tx, held.task, "soak", held.token)
    except TaskhubError:
        return held  # another hand of the same person has ended it
    return Held(held.task, who, held.token, held.since, until)


def free(db: Database, who: str) -> None:
    """Everything the person has started is completed, as far as no other hand of theirs has."""
    with db.read() as tx:
        mine, _ = tasks.find(tx, {"agent": who, "state": "in_progress"}, None, 50)
        leases = [lease for one in mine if (lease := tasks.lease_of(tx, one.id)) is not None]
    for lease in leases:
        with suppress(TaskhubError), db.begin(org.as_agent(who), act="task.end") as tx:
            tasks.complete(tx, lease.task, lease.token)
