"""Whatever two processes do to the ledger at once, and wherever they crash, no row is left that nobody will look at.

TASKHUB_CAMPAIGN says how many interleavings to try; 10,000 is the full campaign.
"""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

import pytest
from sqlalchemy import delete

from taskhub.db import engine, outbox
from taskhub.db.outbox import Row
from taskhub.db.tables import message
from tests.concurrency import wakes
from tests.concurrency.wakes import Clock, Crash, mark

TOLD = os.environ.get("TASKHUB_CAMPAIGN", "0")
CAMPAIGN = 10_000 if TOLD == "full" else int(TOLD)
ROOT = Path(__file__).parents[2]
BLOCKED = 0.003
CRASHES = 0.02
CHILDREN = 0.05


class Player:
    """A thread with a connection of its own that does one step of its script when told to."""

    def __init__(self, owner):
        self.owner = owner
        self.conn = owner.connect()
        self.orders, self.idle = SimpleQueue(), threading.Event()
        self.errors = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def begin(self, script, clock, chance):
        self.steps, self.over, self.inside = script(self.conn, clock, chance), False, False
        self.idle.set()

    def step(self, *, crash):
        self.idle.clear()
        self.orders.put(crash)

    def _run(self):
        while (crash := self.orders.get()) is not None:
            try:
                self.inside = self.steps.throw(Crash) if crash else next(self.steps)
            except (Crash, StopIteration):
                self.over, self.inside = True, False
                self.conn.rollback()
            except Exception as error:  # noqa: BLE001
                self.errors.append(error)
                self.over, self.inside = True, False
                self.conn.rollback()
            self.idle.set()

    def end(self):
        self.orders.put(None)
        self.thread.join()
        self.conn.close()


class Nursery:
    """Children that die in the middle of a script, without closing anything."""

    def __init__(self, url):
        command = [sys.executable, "-c", "from tests.concurrency.wakes import nursery; nursery()", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def crash(self, seed, at):
        self.process.stdin.write(f"{seed} {at}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "dead\n"

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def stage(database_url):
    owner = engine.writer(database_url, 4)
    mark.create(owner)
    players = [Player(owner), Player(owner)]
    nursery = Nursery(database_url)
    yield owner, players, nursery
    for actor in (*players, nursery):
        actor.end()
    owner.dispose()


def interleave(owner, players, nursery, seed):
    """One play. On SQLite, where one transaction excludes all others, the turn changes only between transactions."""
    chance = random.Random(seed)
    clock, same_again = Clock(hold=chance.randint(3, 8)), chance.choice([0.0, 0.6, 0.85])
    serial, player = owner.dialect.name == "sqlite", None
    with owner.connect() as conn:
        for key in wakes.KEYS:
            outbox.write(conn, [Row("t", "h", key, "one", {}, clock.now)], clock.now)
        conn.commit()
    for actor, script in zip(players, chance.choice(CASTS), strict=True):
        actor.begin(script, clock, random.Random(chance.random()))
    while not all(player.over for player in players):
        free = [player for player in players if player.idle.is_set() and not player.over]
        busy = [player for player in free if serial and player.inside]
        if not free:
            next(player for player in players if not player.over).idle.wait(BLOCKED)
            continue
        clock.at += 1
        if player not in free or chance.random() >= same_again:
            player = chance.choice(busy or free)
        player.step(crash=chance.random() < CRASHES)
        player.idle.wait(None if serial else BLOCKED)
        # A player that waits for a lock or holds one would keep the child waiting, and the child everybody.
        calm = all(player.idle.is_set() and not player.inside for player in players)
        if calm and chance.random() < CHILDREN:
            nursery.crash(chance.randrange(2**32), clock.at)
    return wakes.finish(owner, clock)


CASTS = [(wakes.emitter, wakes.taker)] * 4 + [(wakes.emitter, wakes.emitter), (wakes.taker, wakes.taker)]


def test_nothing_is_left_that_nobody_will_look_at(stage):
    owner, players, nursery = stage
    lost = {}
    for seed in range(CAMPAIGN or 120):
        left, open_ = interleave(owner, players, nursery, seed)
        if left or open_ or any(player.errors for player in players):
            lost[seed] = (left, open_, [player.errors.pop() for player in players if player.errors])
        with owner.begin() as conn:
            conn.execute(delete(message))
            conn.execute(delete(mark))
    assert lost == {}
