"""The bell never holds anybody up, and what it says is heard while Redis is there."""

import threading
import time

import pytest

from taskhub.bell import Bell
from taskhub.bell import bell as module
from taskhub.workers.listener import Listener
from tests.servers import start_redis
from tests.service.house import LONG, wait_for


@pytest.fixture(params=["embedded", "redis"])
def url(request):
    return None if request.param == "embedded" else request.getfixturevalue("redis_url")


@pytest.fixture
def bells():
    made = []

    def make(url):
        made.append(Bell(url))
        return made[-1]

    yield make
    for bell in made:
        bell.close()


@pytest.fixture
def listen():
    made = []

    def listen(bell):
        heard = []
        made.append(Listener(bell, heard.extend))
        made[-1].start()
        return heard

    yield listen
    for listener in made:
        listener.stop()


def test_what_is_rung_is_heard_once(url, bells, listen):
    bell = bells(url)
    heard = listen(bell)
    bell.ring(range(100))
    wait_for(lambda: len(heard) == 100)
    assert sorted(heard) == list(range(100))


def test_when_it_is_full_it_drops(bells, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 10)
    bell = bells(None)
    start = time.monotonic()
    bell.ring(range(100_000))
    assert time.monotonic() - start < 5


def test_without_a_listener_hints_do_not_pile_up(bells, redis_url, monkeypatch):
    import redis

    monkeypatch.setattr(module, "UNFETCHED", 10)
    monkeypatch.setattr(module, "PACK", 1)
    monkeypatch.setattr(module, "REST", 0.0)
    bell = bells(redis_url)
    bell.ring(range(200))
    wait_for(bell._waiting.empty)
    with redis.Redis.from_url(redis_url) as client:
        assert 10 < client.llen("taskhub:rows") <= 13


def test_it_rests_while_redis_is_away_and_rings_again(bells, listen):
    with start_redis() as server:
        bell = bells(server.url)
        heard = listen(bell)
        bell.ring([1])
        wait_for(lambda: 1 in heard)
        server.kill()
        wait_for(lambda: bell.ring([2]) or bell.away)
        server.start()
        wait_for(lambda: bell.ring([3]) or 3 in heard)
        assert not bell.away


def test_changes_are_told_in_this_process_and_in_others(redis_url, bells):
    here, there = bells(redis_url), bells(redis_url)
    heard = {"here": [], "there": []}
    here.subscribe(heard["here"].append)
    there.subscribe(heard["there"].append)
    change = {"noun": "task", "id": "1", "act": "created"}
    wait_for(lambda: here.tell([("task", "1", "created")]) or heard["there"])
    assert heard["there"][0] == heard["here"][0] == change


@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"])
def test_without_redis_changes_are_told_in_this_process(url, bells):
    bell, heard = bells(url), []

    def broken(change):
        raise ValueError

    bell.subscribe(broken)
    end = bell.subscribe(heard.append)
    bell.tell([("task", "1", "created")])
    bell.tell([("task", str(n), "created") for n in range(1000)])
    end()
    bell.tell([("task", "2", "created")])
    assert heard == [{"noun": "task", "id": "1", "act": "created"}, {"noun": "task", "id": "*", "act": "*"}]


def test_a_closed_bell_is_silent_and_leaves_no_thread(bells):
    before = threading.active_count()
    bell = bells(None)
    bell.ring([1])
    bell.close()
    bell.ring([2])
    wait_for(lambda: threading.active_count() <= before, LONG)
