"""Emitters and takers cut into steps, so that a seed can interleave them and let any of them crash between two steps.

Emitting writes a mark and a message in one transaction; handling a message clears the marks of its key. A committed
mark that is still there when nothing is left to take is a lost wake.
"""

import os
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, Text, delete, func, insert, select

from taskhub.db import deaths, engine, ledger, outbox
from taskhub.db.ledger import Taken
from taskhub.db.outbox import Row
from taskhub.db.tables import message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STEP = timedelta(seconds=1)
KEYS = ("a", "b", "c")
mark = Table(
    "mark", MetaData(), Column("id", Integer, primary_key=True), Column("key", Text), Column("mode", Text)
)  # fmt: skip

Steps = Iterator[bool]
"""Says after each step whether a transaction is open."""


class Clock:
    """Goes on by one second with every step of anybody; a hold lasts ``hold`` of them."""

    def __init__(self, at: int = 0, hold: int = 6) -> None:
        self.at = at
        self.hold = hold * STEP

    @property
    def now(self) -> datetime:
        return NOW + self.at * STEP


class Crash(Exception):
    """Ends a script where it stands: the connection rolls back, what was taken stays taken."""


def emitter(conn: Connection, clock: Clock, chance: random.Random) -> Steps:
    for _ in range(chance.randint(1, 2)):
        rows = []
        for key in chance.sample(KEYS, chance.randint(1, 2)):
            mode = chance.choice(["one", "one", "each"])
            place = conn.execute(insert(mark).values(key=key, mode=mode).returning(mark.c.id)).scalar_one()
            yield True
            due = clock.now + chance.choice([0, 0, 3]) * STEP
            rows.append(Row("t", "h", key, mode, {"mark": place}, due, earliest=True))
        outbox.write(conn, rows, clock.now)
        if chance.random() < 0.5:
            # What is written travels with whatever comes next: half the time before the commit.
            conn.exec_driver_sql("SELECT 1")
        yield True
        if chance.random() < 0.1:
            conn.rollback()
        conn.commit()
        yield False


def taker(conn: Connection, clock: Clock, chance: random.Random) -> Steps:
    for _ in range(chance.randint(2, 4)):
        taken = _take(conn, clock, chance)
        yield True
        conn.commit()
        yield False
        for row in taken:
            yield from _handle(conn, clock, chance, row)


def _take(conn: Connection, clock: Clock, chance: random.Random) -> list[Taken]:
    now, until = clock.now, clock.now + clock.hold
    if chance.random() < 0.3:
        rows = ledger.take_tried(conn, now, until) or ledger.take_last(conn, now, until)
    else:
        rows = ledger.take_fresh(conn, now, until, limit=chance.randint(1, 3), rung_before=now, outside=False)
    c = message.c
    live = select(c.key).where(c.mode == "one", c.token.is_not(None), c.done_at.is_(None), c.dead_at.is_(None))
    assert conn.execute(live.group_by(c.key).having(func.count() > 1)).all() == []
    return rows


def _handle(conn: Connection, clock: Clock, chance: random.Random, row: Taken) -> Steps:
    fate = chance.random()
    if fate < 0.1:
        ledger.give_back(conn, [row])
    elif fate < 0.2 and row.attempts < ledger.TRIES:
        ledger.fail(conn, row, "boom", clock.now + 2 * STEP, clock.now, dead=False)
    else:
        clear(conn, row)
        yield True
        if not ledger.settle(conn, row, clock.now):
            conn.rollback()
    yield True
    conn.commit()
    yield False


def clear(conn: Connection, row: Taken) -> None:
    """The work: what the message stands for. A row of mode ``each`` has its own mark, a wake all there are."""
    if row.mode == "one":
        conn.execute(delete(mark).where(mark.c.key == row.key, mark.c.mode == "one"))
    elif conn.execute(delete(mark).where(mark.c.id == row.payload["mark"])).rowcount != 1:
        conn.execute(insert(mark).values(key=row.key, mode="handled twice"))


def finish(owner: Engine, clock: Clock) -> tuple[list[str], int]:
    """Handles everything that is left, long after. Returns marks nobody looked at and how many rows are not done."""
    for _ in range(200):
        clock.at += 100
        with owner.begin() as conn:
            dead = conn.execute(select(message.c.id).where(message.c.dead_at.is_not(None))).scalars().all()
            deaths.declare(conn, clock.now, [row.id for row in deaths.spent(conn, clock.now)])
            for id_ in dead:
                ledger.revive(conn, id_, clock.now)
            rows = ledger.take(conn, clock.now, clock.now + clock.hold, rung_before=clock.now)
            open_ = conn.execute(select(message.c.id).where(message.c.done_at.is_(None))).scalars().all()
        for row in rows:
            with owner.begin() as conn:
                clear(conn, row)
                assert ledger.settle(conn, row, clock.now)
        if not open_:
            break
    with owner.begin() as conn:
        left = [f"{row.key}: {row.mode}" for row in conn.execute(select(mark))]
        return left, len(open_)


def run_to_a_crash(owner: Engine, seed: int, at: int) -> None:
    """One script alone in this process, which ends in the middle of it without a word."""
    chance = random.Random(seed)
    conn = owner.connect()
    steps = chance.choice([emitter, taker])(conn, Clock(at), chance)
    for _ in range(chance.randint(1, 12)):
        if next(steps, None) is None:
            break
    os._exit(9)


def nursery() -> None:
    """Forks a child for every line "seed at" and answers when it is dead: a process of one thread may fork safely."""
    owner = engine.writer(sys.argv[1], 1)
    with owner.connect() as conn:
        conn.execute(select(mark))
    owner.dispose()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_to_a_crash(owner, *map(int, line.split()))
        os.waitpid(child, 0)
        sys.stdout.write("dead\n")
        sys.stdout.flush()
