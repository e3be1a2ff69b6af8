"""Workers that are killed, stopped or cut off from the database and from Redis while they work."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from taskhub.bell import Bell
from taskhub.db.migrate import upgrade
from taskhub.workers import pulse
from tests.servers import start_postgres, start_redis
from tests.service.house import LONG, House, note, wait_for

ROOT = Path(__file__).parents[2]
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def house(database_url):
    house = House(database_url)
    with house.closing:
        yield house


@pytest.fixture
def program(house, tmp_path):
    """Starts worker processes; those still alive at the end are killed."""
    started = []

    def start(*args):
        command = [sys.executable, "-m", "tests.service.program", house.database.url, str(tmp_path), *args]
        started.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    (tmp_path / "go").touch()
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(LONG)


@pytest.fixture
def begun(tmp_path):
    """The keys of all beginnings so far."""

    def begun():
        path = tmp_path / "begun"
        return path.read_text().split() if path.exists() else []

    return begun


def test_a_row_that_kills_its_process_is_dead_after_three_tries_and_its_neighbours_are_done(house, program, begun):
    neighbours = {str(n): 1 for n in range(10)}
    house.emit("work", "0", "1", "die", *list(neighbours)[2:])
    supervisor = program("1")
    house.wait_for(lambda: house.census() == {"later": 0, "due": 0, "held": 0, "dead": 1})
    assert house.ran() == neighbours
    assert begun().count("die") == 3
    (row,) = house.rows(key="die")
    assert (row.attempts, row.error) == (3, "the process ended during the last try")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(LONG) == 0


def test_the_row_of_a_killed_worker_runs_again(house, program, begun, tmp_path):
    house.emit("work", "hang")
    first = program()
    wait_for(begun)
    first.kill()
    first.wait()
    (tmp_path / "go").touch()
    start = time.monotonic()
    program()
    house.wait_for(lambda: house.ran() == {"hang": 1})
    assert time.monotonic() - start < 15
    assert begun() == ["hang", "hang"]


def test_sigterm_finishes_what_runs_and_gives_back_the_rest(house, program, begun, tmp_path):
    house.emit("work", "hang1", *map(str, range(20)), "hang2")
    worker = program()
    wait_for(begun)
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    assert worker.wait(LONG) == 0
    ran = house.ran()
    assert set(ran.values()) == {1}
    assert sorted(ran) == sorted(begun())
    assert {(row.attempts, row.dead_at) for row in house.rows(done_at=None)} <= {(0, None)}


def test_sigterm_ends_a_process_in_time_although_a_row_hangs(house, program, begun, tmp_path):
    house.emit("work", "hang", "a", "b", "c", "d")
    worker = program()
    wait_for(begun)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG) == 0
    assert "hang" not in house.ran()
    assert {(row.attempts, row.lost, row.dead_at) for row in house.rows(done_at=None)} == {(0, 0, None)}
    (tmp_path / "go").touch()
    program()
    house.wait_for(lambda: set(house.ran()) == {"hang", "a", "b", "c", "d"})
    assert set(house.ran().values()) == {1}


def test_a_worker_ends_with_its_supervisor(house, program, begun, tmp_path):
    house.emit("work", "hang")
    supervisor = program("1")
    wait_for(begun)
    supervisor.kill()
    supervisor.wait()
    (tmp_path / "go").touch()
    wait_for((tmp_path / "ended").exists)
    assert house.ran() == {"hang": 1}


def test_without_redis_everything_runs_and_nobody_waits(house):
    bell = Bell(NOBODY)
    house.closing.callback(bell.close)
    house.database.ring, house.database.tell = bell.ring, bell.tell
    house.worker(bell)
    start = time.monotonic()
    for n in range(20):
        bell.ring(range(1000))
        house.database.tell([("task", str(n), "created")])
    assert time.monotonic() - start < 1
    house.emit("work", *"abc")
    house.wait_for(lambda: not house.rows(done_at=None))
    assert house.ran() == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("fault", ["killed", "hung", "flushed"])
def test_redis_may_go_and_come_back(sqlite_url, fault):
    house = House(sqlite_url)
    with start_redis() as redis, house.closing:
        bell = Bell(redis.url)
        house.closing.callback(bell.close)
        house.database.ring = bell.ring
        house.worker(bell)
        house.emit("work", "before")
        house.wait_for(lambda: "before" in house.ran())
        _break(redis, fault)
        start = time.monotonic()
        house.emit("work", *map(str, range(50)))
        assert time.monotonic() - start < 5
        house.wait_for(lambda: not house.rows(done_at=None))
        _mend(redis, fault)
        house.emit("work", "after")
        house.wait_for(lambda: not house.rows(done_at=None))
        assert set(house.ran().values()) == {1}


def _break(redis, fault):
    if fault == "killed":
        redis.kill()
    elif fault == "hung":
        os.kill(redis.pid, signal.SIGSTOP)
    else:
        import redis as client

        with client.Redis.from_url(redis.url) as wiper:
            wiper.flushall()


def _mend(redis, fault):
    if fault == "killed":
        redis.start()
    elif fault == "hung":
        os.kill(redis.pid, signal.SIGCONT)


def test_the_database_may_go_and_come_back(monkeypatch):
    for name, seconds in (("PROLONG_EVERY", 0.2), ("BEAT_EVERY", 0.5), ("FRESH", 1.5)):
        monkeypatch.setattr(pulse, name, seconds)
    with start_postgres(durable=True) as server:
        upgrade(server.url)
        house = House(server.url)
        with house.closing:
            _restart_under_work(server, house)


def _restart_under_work(server, house):
    half = threading.Event()
    tries = {}

    def work(tx, row):
        note(tx, row)
        tries[row.key] = row.attempts
        if len(tries) == 40:
            half.set()

    house.handlers["work"] = work
    house.emit("work", *map(str, range(200)))
    worker = house.worker()
    assert half.wait(LONG)
    server.kill()
    house.wait_for(lambda: not worker.healthy)
    server.start()
    house.wait_for(lambda: worker.healthy)
    house.wait_for(lambda: not house.rows(done_at=None))
    assert house.ran() == {str(n): 1 for n in range(200)}
    assert set(tries.values()) == {1}
