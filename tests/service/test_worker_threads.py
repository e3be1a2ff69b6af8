"""No exception whatever ends a thread of a worker: its row is let go and tried again, and what is gone is told."""

import asyncio
import logging
import threading
from datetime import timedelta

import pytest

from taskhub import failpoints
from taskhub.db import ledger, policy_set
from taskhub.db.database import Database
from taskhub.errors import PolicyError, Problem
from taskhub.policy.policies import Policies
from taskhub.workers import pulse
from taskhub.workers.taker import Taker
from tests.service.house import FLOW, LONG, House, note, wait_for

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(database_url, monkeypatch):
    monkeypatch.setattr(ledger, "HOLD", SECOND / 2)
    monkeypatch.setattr(ledger, "CALM", SECOND / 10)
    monkeypatch.setattr(ledger, "BACKOFF", (SECOND / 20,) * 3)
    monkeypatch.setattr(pulse, "PROLONG_EVERY", 0.1)
    house = House(database_url)
    with house.closing:
        yield house


@pytest.fixture
def failing():
    """Arms a place that raises an error for the first so many times."""

    def arm(place, error, times):
        struck = []

        def strike(name):
            if name == place and len(struck) < times:
                struck.append(name)
                raise error

        failpoints.arm(strike)
        return struck

    yield arm
    failpoints.arm(None)


def test_a_failure_that_cannot_be_noted_ends_no_thread_and_its_row_runs_again(house, failing, caplog):
    tries = []

    def work(tx, row):
        tries.append(row.attempts)
        if len(tries) <= 2:
            raise ValueError("bad")
        note(tx, row)

    house.handlers["work"] = work
    failing("ledger.failed", RuntimeError("no such table"), 1)
    house.emit("work", "a")
    worker = house.worker(threads=1)
    house.wait_for(lambda: house.ran() == {"a": 1})
    assert tries == [1, 2, 3]
    assert (worker.ended, worker.worn) == ([], False)
    assert [one.exc_info is not None for one in caplog.records if "could not be noted" in one.message] == [True]


@pytest.mark.parametrize("place", ["crew.begins", "looker.taken", "holdings.paying", "runner.begins"])
def test_wherever_it_breaks_the_rows_are_done_in_the_end(house, failing, place):
    if place == "holdings.paying":
        house.handlers.pop("work")
    house.emit("work", *"abcdef")
    struck = failing(place, asyncio.CancelledError(), 2)
    worker = house.worker(threads=2)
    house.wait_for(lambda: len(struck) == 2)
    house.handlers["work"] = note
    if place == "holdings.paying":
        house.emit("work", "g")
    house.wait_for(lambda: "g" in house.ran() if place == "holdings.paying" else len(house.ran()) == 6)
    assert worker.ended == []


def test_work_that_breaks_out_of_every_net_is_dead_after_three_tries(house):
    tries = []

    def work(_tx, row):
        tries.append(row.attempts)
        raise asyncio.CancelledError

    house.handlers["work"] = work
    house.emit("work", "a")
    worker = house.worker(threads=1)
    house.wait_for(lambda: house.census()["dead"] == 1)
    assert tries == [1, 2, 3]
    assert worker.ended == []


def test_policies_that_cannot_be_read_for_a_while_cost_no_row_a_try(database_url, caplog):
    broken, hit = threading.Event(), threading.Event()

    def load(_texts, _resolved):
        if broken.is_set():
            hit.set()
            raise PolicyError([Problem("queues.toml", 1, "queue.x", "unknown key")])
        return Policies(hash="second")

    house = House(database_url)
    house.database.close()
    house.database = Database(database_url, flow=FLOW, loader=load)
    with house.closing:
        house.emit("work", *map(str, range(20)))
        first = threading.Event()

        def work(tx, row):
            note(tx, row)
            if not first.is_set():
                first.set()
                broken.set()
                given = {"hash_": "second", "files": {}, "resolved": {}, "at": tx.now, "by": "x"}
                policy_set.activate(tx.conn, **given)

        house.handlers["work"] = work
        worker = house.worker(threads=2)
        assert hit.wait(LONG)
        house.wait_for(lambda: not worker.healthy)
        broken.clear()
        house.wait_for(lambda: len(house.ran()) == 20 and worker.healthy)
        assert {row.attempts for row in house.rows()} == {1}
    traces = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert traces == []


def test_the_taker_goes_on_after_whatever_happened(house, failing):
    house.emit("work", "a")
    (row,) = house.rows()
    placed = []
    failing("ledger.picked", RuntimeError("no such table"), 1)
    taker = Taker(house.database, lambda: 5, placed.extend)
    taker.start()
    house.closing.callback(taker.stop, LONG)
    wait_for(lambda: taker.hear([row.id]) or placed)
    assert ([one.id for one in placed], taker.ended) == ([row.id], False)


def test_a_thread_that_is_gone_all_the_same_is_told(house):
    worker = house.worker(threads=2)
    house.wait_for(lambda: worker.healthy)
    assert not worker.worn
    worker._inside._waiting.put(None)
    house.wait_for(lambda: worker.ended)
    assert (worker.healthy, worker.worn, worker.ended[0][:6]) == (False, True, "inside")
    assert worker.stop()
    assert worker.ended == []
