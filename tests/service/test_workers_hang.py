"""Rows that hang: given up, counted, dead after three tries; their neighbours, their locks and their thread go on."""

import threading
from datetime import timedelta

import pytest

from taskhub.db import ledger
from taskhub.db.handler import Together
from taskhub.workers import watch
from taskhub.workers import worker as worker_module
from tests.service.house import LONG, House, note

SECOND = timedelta(seconds=1)
NEIGHBOURS = {str(n): 1 for n in range(30)}


@pytest.fixture
def house(database_url, monkeypatch):
    for name, seconds in (("INSIDE_WITHIN", 0.3), ("OUTSIDE_WITHIN", 0.3), ("TICK", 0.05)):
        monkeypatch.setattr(watch, name, seconds)
    monkeypatch.setattr(ledger, "BACKOFF", (SECOND / 20,) * 3)
    monkeypatch.setattr(ledger, "OUTSIDE_BACKOFF", (SECOND / 20,) * 9)
    house = House(database_url)
    house.free = threading.Event()
    house.closing.callback(house.free.set)
    with house.closing:
        yield house


class Hanging:
    """Work that writes something and then does not come back until it is let go."""

    def __init__(self, house):
        self.house, self.tries, self.let_go = house, [], []

    def __call__(self, tx, row):
        self.tries.append(row.attempts)
        note(tx, row)
        tx.flush()
        self.house.free.wait(LONG)
        self.let_go.append(row.attempts)


def test_a_row_that_hangs_is_dead_after_three_tries_and_its_neighbours_are_done(house):
    hang = house.handlers["poison"] = Hanging(house)
    house.emit("work", "0", "1", "2")
    house.emit("poison", "p")
    house.emit("work", *list(NEIGHBOURS)[3:])
    house.worker()
    house.wait_for(lambda: house.census() == {"later": 0, "due": 0, "held": 0, "dead": 1})
    assert house.ran() == NEIGHBOURS
    (row,) = house.rows(handler="poison")
    assert (row.attempts, row.error, hang.tries) == (3, "Overdue: it did not end within 0 s", [1, 2, 3])


def test_what_comes_back_after_it_was_given_up_changes_nothing(house):
    hang = house.handlers["poison"] = Hanging(house)
    house.emit("poison", "p")
    house.worker()
    house.wait_for(lambda: house.census()["dead"] == 1)
    (before,) = house.rows(handler="poison")
    house.free.set()
    house.wait_for(lambda: len(hang.let_go) == 3)
    house.emit("work", "after")
    house.wait_for(lambda: house.ran() == {"after": 1})
    assert house.rows(handler="poison") == [before]


def test_a_wake_that_hangs_keeps_its_successor_and_loses_nothing(house):
    house.handlers["wake"] = hang = Hanging(house)
    house.emit("wake", "k")
    house.worker()
    house.wait_for(lambda: hang.tries)
    house.handlers["wake"] = note
    house.wait_for(lambda: not house.rows(done_at=None))
    house.emit("wake", "k")
    house.wait_for(lambda: len(house.rows(handler="wake")) == 2 and not house.rows(done_at=None))
    house.free.set()
    house.wait_for(lambda: hang.let_go)
    assert house.ran() == {"k": 2}


def test_rows_that_run_one_by_one_pay_no_try_for_a_neighbour_that_hangs(house, monkeypatch):
    monkeypatch.setattr(watch, "INSIDE_WITHIN", 2.0)
    hang = Hanging(house)

    def one(tx, row):
        (hang if row.key == "1" else note)(tx, row)

    def many(_tx, _rows):
        raise ValueError("one of them is bad")

    house.handlers["work"] = Together(one, many)
    house.emit("work", *"01234567")
    house.worker(threads=1)
    house.wait_for(lambda: hang.tries == [1, 2])
    assert house.ran() == dict.fromkeys("0234567", 1)
    assert {row.attempts for row in house.rows() if row.key != "1"} == {1}


def test_more_rows_than_threads_may_hang_and_others_still_run(house, monkeypatch):
    monkeypatch.setattr(worker_module, "WORN", 3)
    house.handlers["poison"] = Hanging(house)
    house.emit("poison", *"abcd")
    house.emit("work", "w")
    worker = house.worker(threads=2)
    house.wait_for(lambda: house.ran() == {"w": 1})
    house.wait_for(lambda: worker.worn)


def test_a_delivery_that_hangs_is_tried_again_and_its_thread_replaced(house):
    class Endpoint:
        calls = 0

        def prepare(self, tx, row):
            return self.deliver

        def deliver(self):
            self.calls += 1
            if self.calls <= 3:
                house.free.wait(LONG)

        def finish(self, tx, row, result):
            note(tx, row)

    house.handlers["crm"] = endpoint = Endpoint()
    house.emit("crm", "a")
    house.worker(outside_threads=1)
    house.wait_for(lambda: house.ran() == {"a": 1})
    assert endpoint.calls == 4
    house.free.set()
