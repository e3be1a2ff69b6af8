"""A long soak: real processes at half of what they can do, watched all the while.

First a minute as fast as it goes, which says how much that is. Then events, claims and completions at half the rate;
every few seconds memory and tables are read, every minute the invariants that hold at any moment are asked, and all of
them at the end, when nothing is due any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from taskhub import bootstrap
from taskhub.access import service as access
from taskhub.db.database import Database
from taskhub.db.tx import SYSTEM, Tx
from taskhub.settings import Settings
from tests.faults import invariants
from tests.faults.processes import Process
from tests.faults.shop import hire
from tests.soak import gauges
from tests.soak.gauges import Dead
from tests.soak.load import Claim, Hand, Notes, hands

CONFIG = Path(__file__).with_name("config")
ALWAYS = ("I2", "I3", "I5", "I6", "I7", "I15")
SAMPLE_EVERY, ASK_EVERY = 5.0, 60.0
REST_WITHIN = 300.0
SERVER = {"autovacuum_naptime": "10s"}  # as docs/how-to/deploy.md asks of PostgreSQL

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long (minutes), how long the measuring before it (seconds), which part of what it can do, how many people."""

    minutes: float = 30.0
    measure: float = 60.0
    part: float = 0.5
    people: int = 60
    hands: int = 8

    @property
    def warm(self) -> float:
        """Seconds until memory and dead rows count: five minutes, or a sixth of a short soak."""
        return min(300.0, self.minutes * 10)


@dataclass
class Seen:
    """Everything that was read; ``tables`` is (instant, the hot tables)."""

    since: float
    until: float = 0.0
    capacity: float = 0.0
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    tables: list[tuple[float, dict[str, Dead]]] = field(default_factory=list)
    asked: int = 0
    broken: list[str] = field(default_factory=list)
    notes: list[Notes] = field(default_factory=list)

    @property
    def claims(self) -> list[Claim]:
        """All claims that gave a task."""
        return [claim for notes in self.notes for claim in notes.claims]


class Site:
    """The organisation with its processes."""

    def __init__(self, urls: tuple[str, str], folder: Path, people: int, ends: ExitStack) -> None:
        self.db = bootstrap.database(Settings(data=Path("data"), database_url=urls[0]))
        ends.callback(self.db.close)
        self.keys, self.machine = _settle(self.db, people)
        api = Process("api", ["api", "--port", "0"], "API serves", urls, folder)
        worker = Process("worker", ["worker"], "worker with", urls, folder)
        self.processes = {"api": api, "worker": worker}
        for one in self.processes.values():
            ends.callback(one.stop)
            one.start()
        address = next(word for word in api.wait().split() if word.startswith("http://"))
        worker.wait()
        self.port = int(address.rpartition(":")[2])

    def hands(self, name: str, plan: Plan, rate: float) -> list[Hand]:
        """The people and the machine at work, begun."""
        made = hands(plan.hands, name, self.port, self.keys, self.machine, rate)
        for one in made:
            one.start()
        return made

    def rest(self) -> None:
        """Waits until nothing is due any more."""
        end = time.monotonic() + REST_WITHIN
        while not invariants.at_rest(self.db):
            if time.monotonic() > end:
                raise RuntimeError("the house does not come to rest")
            time.sleep(0.2)


def _settle(db: Database, people: int) -> tuple[list[str], str]:
    bootstrap.make_policies(db, CONFIG)
    with db.begin(SYSTEM) as tx:
        keys = hire(tx, "front", [f"p-{number:03}" for number in range(people)], 5)
        return list(keys.values()), access.create_key(tx, "integration", "soak")


def run(plan: Plan, urls: tuple[str, str], folder: Path, say: Say) -> Seen:
    """One soak on an empty, migrated database and an empty Redis."""
    with ExitStack() as ends:
        site = Site(urls, folder, plan.people, ends)
        capacity = _capacity(site, plan)
        say(f"{capacity:.1f} turns a second as fast as it goes (an event, a claim, a completion each)")
        site.rest()
        seen = Seen(time.monotonic(), capacity=capacity)
        crew = site.hands("soak", plan, plan.part * capacity)
        _watch(site, plan, seen, say)
        seen.until = time.monotonic()
        seen.notes = [one.stop() for one in crew]
        site.rest()
        with site.db.read() as tx:
            seen.broken += invariants.broken(tx.conn, tx.now)
        seen.broken += [f"{name} ended with {one.code}" for name, one in site.processes.items() if one.code is not None]
        return seen


def _capacity(site: Site, plan: Plan) -> float:
    begin = time.monotonic()
    crew = site.hands("measure", plan, 0.0)
    time.sleep(plan.measure)
    done = sum(one.stop().completed for one in crew)
    return done / (time.monotonic() - begin)


def _watch(site: Site, plan: Plan, seen: Seen, say: Say) -> None:
    end, asked_at = seen.since + plan.minutes * 60, seen.since
    while (now := time.monotonic()) < end:
        for name, process in site.processes.items():
            seen.memory.setdefault(name, []).append((now, gauges.memory(process.pid)))
        with site.db.read() as tx:
            seen.tables.append((now, gauges.dead(tx.conn)))
        if now - asked_at >= ASK_EVERY:
            asked_at = now
            _ask(site, seen)
            memory = ", ".join(f"{name} {sizes[-1][1]:.0f} MB" for name, sizes in seen.memory.items())
            parts = ", ".join(f"{name} {part:.0%}" for name, part in gauges.worst([seen.tables[-1][1]]).items())
            minute, wrong = f"minute {(now - seen.since) / 60:.0f}", f"{len(seen.broken)} wrong"
            say(f"{minute}: {memory}; dead: {parts or 'no large table'}; {wrong}")
        time.sleep(max(0.0, min(SAMPLE_EVERY, end - time.monotonic())))


def _ask(site: Site, seen: Seen) -> None:
    with site.db.read() as tx:
        seen.broken += always_broken(tx)
    seen.asked += 1


def always_broken(tx: Tx) -> list[str]:
    """What does not hold of what holds at any moment, between any two acts."""
    found: list[tuple[str, Sequence[Any]]] = []
    for name, sql in invariants.CHECKS.items():
        if name.startswith(ALWAYS) and "history" not in sql:
            given = {"now": tx.now} if ":now" in sql else {}
            found.append((name, tx.conn.execute(text(sql), given).all()))
    return [f"{name}: {len(rows)}, such as {rows[:3]}" for name, rows in found if rows]
