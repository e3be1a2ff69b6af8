"""What a worker does with the rows of the ledger while nothing but the work itself goes wrong."""

import logging
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from taskhub.bell import Bell
from taskhub.db import ledger
from taskhub.db.handler import Together
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.db.tables import message, sweep
from taskhub.demo.store import put_clock
from taskhub.errors import InvalidInput, Unavailable
from taskhub.workers import pulse, run_due
from taskhub.workers.convoys import MOST, convoys, members
from tests.service.house import LONG, House, note

SECOND = timedelta(seconds=1)


@pytest.fixture
def house(database_url):
    house = House(database_url)
    with house.closing:
        yield house


@pytest.fixture
def brief(monkeypatch):
    """Waits between tries that a test can wait for."""
    monkeypatch.setattr(ledger, "BACKOFF", (SECOND / 20,) * 3)
    monkeypatch.setattr(ledger, "OUTSIDE_BACKOFF", (SECOND / 20,) * 9)


def test_every_row_runs_once_whether_it_is_rung_or_found(house):
    bell = Bell(None)
    house.closing.callback(bell.close)
    house.database.ring = bell.ring
    house.emit("work", *map(str, range(150)))
    house.worker(bell)
    house.worker(bell)
    house.emit("work", *map(str, range(150, 200)))
    house.wait_for(lambda: not house.rows(done_at=None))
    assert house.ran() == {str(n): 1 for n in range(200)}


def test_a_timer_fires_when_due_and_not_before(house):
    seen = []
    house.handlers["wake"] = lambda tx, row: seen.append(tx.now - row.due_at)
    house.worker()
    house.emit("wake", "k", wait=SECOND / 2)
    house.wait_for(lambda: seen)
    assert timedelta() <= seen[0] < LONG * SECOND


def test_a_failing_row_is_dead_after_three_tries_and_its_neighbours_are_done(house, brief):
    tries = []

    def fail(tx, row):
        tx.record("row", str(row.id), "ran", {"key": "poison"})
        tries.append(row.attempts)
        raise ValueError("never")

    house.handlers["poison"] = fail
    house.emit("work", "a")
    house.emit("poison", "p")
    house.emit("work", "b")
    house.worker()
    house.wait_for(lambda: house.census() == {"later": 0, "due": 0, "held": 0, "dead": 1})
    assert tries == [1, 2, 3]
    assert house.ran() == {"a": 1, "b": 1}
    (row,) = house.rows(handler="poison")
    assert row.error == "ValueError: never"


def test_the_last_try_is_alone(house, brief):
    running, together = [], []

    def watched(tx, row):
        running.append(row.id)
        if row.attempts == 3:
            together.append(len(running))
        time.sleep(0.002)
        running.remove(row.id)
        if row.handler == "poison":
            raise ValueError

    house.handlers |= {"poison": watched, "work": watched}
    house.emit("poison", "p", "q")
    house.emit("work", *map(str, range(300)))
    house.worker()
    house.wait_for(lambda: house.census()["dead"] == 2)
    assert together == [1, 1]
    house.wait_for(lambda: house.census() == {"later": 0, "due": 0, "held": 0, "dead": 2})


@pytest.mark.parametrize("lost", [False, True])
def test_an_interruption_is_no_try(house, lost):
    cuts = [Interrupted("busy", lost=lost)] * 7
    tries = []

    def unlucky(tx, row):
        tries.append(row.attempts)
        if cuts:
            raise cuts.pop()
        note(tx, row)

    house.handlers["work"] = unlucky
    house.emit("work", "a")
    house.worker()
    house.wait_for(lambda: house.ran() == {"a": 1})
    assert tries == [1] * 8


def test_work_whose_row_was_taken_over_is_rolled_back(house):
    meet = threading.Event()

    def slow(tx, row):
        note(tx, row)
        if not house.database.lite:
            with house.database.begin() as other:
                other.conn.execute(update(message).values(token="another's"))
        else:
            tx.conn.execute(update(message).values(token="another's"))
        meet.set()

    house.handlers["work"] = slow
    house.emit("work", "a")
    worker = house.worker()
    assert meet.wait(LONG)
    worker.stop()
    assert house.ran() == {}
    assert house.rows()[0].done_at is None


def test_a_handler_unknown_here_waits_uncounted(house):
    house.emit("unknown", "a")
    house.worker()
    (row,) = house.wait_for(lambda: [row for row in house.rows() if row.due_at > row.emitted_at])
    assert (row.attempts, row.dead_at) == (0, None)


def test_stop_finishes_what_runs_and_gives_back_the_rest_uncounted(house):
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx, row):
        begun.set()
        assert go_on.wait(LONG)
        note(tx, row)

    house.handlers["work"] = slow
    house.emit("work", *"abcdef")
    worker = house.worker(threads=1)
    assert begun.wait(LONG)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    house.wait_for(lambda: not worker.healthy)
    go_on.set()
    stopping.join()
    assert worker.stop()
    assert house.ran() == {"a": 1}
    assert {row.attempts for row in house.rows(done_at=None)} == {0}
    house.handlers["work"] = note
    assert run_due(house.database, house.handlers) == 5


class Crm:
    """Outside work that notes whether a connection was in use meanwhile."""

    def __init__(self, house, *errors):
        self.house, self.errors, self.used, self.results = house, list(errors), [], []

    def prepare(self, tx, row):
        return None if row.key == "nothing to do" else self.work

    def work(self):
        self.used.append(self.house.database.engine.pool.checkedout())
        if self.errors:
            raise self.errors.pop(0)
        return "sent"

    def finish(self, tx, row, result):
        self.results.append(result)
        note(tx, row)


def test_outside_work_is_between_two_transactions_and_tried_again(house, brief):
    crm = house.handlers["crm"] = Crm(house, OSError("no route"), OSError("no route"))
    house.emit("crm", "a", "nothing to do")
    assert run_due(house.database, house.handlers, limit=2) == 2
    assert not house.ran()
    house.worker()
    house.wait_for(lambda: not house.rows(done_at=None))
    assert house.ran() == {"a": 1}
    assert crm.results == ["sent"]
    assert crm.used[0] == 0


def test_the_other_side_says_when_to_come_again(house):
    house.handlers["crm"] = Crm(house, Unavailable("slow down", retry_after=900))
    house.emit("crm", "a")
    assert run_due(house.database, house.handlers) == 1
    (row,) = house.rows()
    assert 900 * SECOND <= row.due_at - row.emitted_at < 2000 * SECOND


@pytest.mark.parametrize(
    ("handler", "error", "traced"),
    [
        ("crm", Unavailable("answered 500"), False), ("crm", InvalidInput("no such address"), False),
        ("crm", ValueError("never"), True), ("work", InvalidInput("not of another system"), True),
    ],
)  # fmt: skip
def test_what_another_system_says_is_one_line_of_the_log_without_a_trace(house, caplog, handler, error, traced):
    def fail(_tx, _row):
        raise error

    house.handlers |= {"crm": Crm(house, error), "work": fail}
    house.emit(handler, "a")
    assert run_due(house.database, house.handlers) == 1
    (line,) = (one for one in caplog.records if one.levelno == logging.WARNING and "try 1" in one.message)
    assert str(error) in line.message
    assert (line.exc_info is not None) == traced


def test_an_endpoint_that_hangs_does_not_hold_up_the_rest(house):
    hang = threading.Event()
    house.handlers["crm"] = type("Hanging", (Crm,), {"work": lambda self: hang.wait(LONG)})(house)
    house.emit("crm", *"abcdefgh")
    house.emit("work", *"xyz")
    house.worker()
    house.wait_for(lambda: len(house.ran()) == 3)
    hang.set()
    house.wait_for(lambda: not house.rows(done_at=None))


def test_a_row_that_takes_long_is_prolonged_meanwhile(house):
    def long(self):
        first = house.rows()[0].until
        house.wait_for(lambda: house.rows()[0].until > first + SECOND)

    house.handlers["crm"] = type("Long", (Crm,), {"work": long})(house)
    house.emit("crm", "a")
    house.worker()
    house.wait_for(lambda: not house.rows(done_at=None))


def test_a_stop_does_not_wait_for_a_delivery_that_hangs(house):
    """It is given back uncounted, and delivered again under the same id by whoever comes next."""
    hang, begun = threading.Event(), threading.Event()
    seen = []

    class Endpoint(Crm):
        def prepare(self, tx, row):
            seen.append((row.id, row.attempts))
            return super().prepare(tx, row)

        def work(self):
            if len(seen) == 1:
                begun.set()
                hang.wait(LONG)
            return "sent"

    house.handlers["crm"] = Endpoint(house)
    house.emit("crm", "a")
    worker = house.worker()
    assert begun.wait(LONG)
    assert not worker.stop(grace=0.2)
    (row,) = house.rows()
    assert (row.attempts, row.lost, row.token, row.dead_at) == (0, 0, None, None)
    house.worker()
    house.wait_for(lambda: house.ran() == {"a": 1})
    assert seen == [(row.id, 1), (row.id, 1)]
    hang.set()


def test_after_a_gap_everyone_is_told_once_before_anything_runs(house):
    order = []
    house.handlers["wake"] = lambda tx, row: order.append("row")
    with house.database.begin() as tx:
        tx.conn.execute(sweep.insert().values(id=1, at=tx.real_now - timedelta(minutes=5)))
        tx.emit("wake", "lease")
    hook = [lambda tx, gap: order.append(round(gap / (60 * SECOND)))]
    house.worker(on_gap=hook)
    house.worker(on_gap=hook)
    house.wait_for(lambda: "row" in order)
    assert order == [5, "row"]


@pytest.mark.parametrize("demo", [False, True])
def test_a_gap_is_warned_of_but_not_in_a_demo_that_stood_still(house, caplog, demo):
    with house.database.begin() as tx:
        tx.conn.execute(sweep.insert().values(id=1, at=tx.real_now - timedelta(minutes=5)))
        if demo:
            monday = tx.real_now - timedelta(days=91)
            put_clock(tx.conn, tx.real_now, 60, [(monday, tx.real_now)])
    house.emit("work", "a")
    house.worker()
    house.wait_for(lambda: house.ran() == {"a": 1})
    warned = [one for one in caplog.records if one.levelno >= logging.WARNING and "nobody looked" in one.message]
    assert bool(warned) is not demo


def test_a_gap_hook_that_always_fails_does_not_stop_the_work(house, monkeypatch):
    monkeypatch.setattr(pulse, "PROLONG_EVERY", 0.05)
    with house.database.begin() as tx:
        tx.conn.execute(sweep.insert().values(id=1, at=tx.real_now - timedelta(minutes=5)))
    house.emit("work", "a")
    house.worker(on_gap=[lambda tx, gap: tx.conn.execute(text("SELECT nothing"))])
    house.wait_for(lambda: house.ran() == {"a": 1})


# ── rows that share a transaction ────────────────────────────────────────────────────────────────────────────────────
class Many:
    """A handler of several rows at once: which rows each of its transactions did."""

    def __init__(self, done=lambda rows: rows, fails=False):
        self.done, self.fails, self.seen = done, fails, []

    def __call__(self, tx, rows):
        self.seen.append([row.key for row in rows])
        chosen = self.done(rows)
        for row in chosen:
            note(tx, row)
        if self.fails:
            raise ValueError("one of them is bad")
        return chosen


def _together(house, many, count=60):
    house.handlers["work"] = Together(note, many)
    house.emit("work", *map(str, range(count)))
    house.worker(threads=2)
    house.wait_for(lambda: not house.rows(done_at=None))
    assert house.ran() == {str(n): 1 for n in range(count)}


def test_rows_of_one_handler_share_transactions_of_a_bounded_size(house):
    many = Many()
    _together(house, many)
    assert max(map(len, many.seen)) <= MOST
    assert max(map(len, many.seen)) > 1


def test_rows_done_together_are_told_of_with_their_ids_and_each_counts_as_begun(house, caplog):
    caplog.set_level(logging.INFO, "taskhub.act")
    _together(house, Many())
    lines = [one for one in caplog.records if getattr(one, "facts", {}).get("step") == "together"]
    assert lines
    assert all(1 < len(one.facts["row"]) <= MOST and one.facts["due"] for one in lines)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert sum(house.database.tally.spreads()["taskhub_message_lag_seconds", "work"][0]) == 60


def test_rows_left_over_run_by_themselves(house):
    _together(house, Many(done=lambda rows: [row for row in rows if int(row.key) % 2]))


def test_when_rows_fail_together_each_runs_by_itself_and_no_try_is_counted(house):
    many = Many(fails=True)
    _together(house, many)
    assert many.seen
    assert {row.attempts for row in house.rows()} == {1}


def test_rows_done_together_of_which_one_was_taken_over_are_rolled_back_and_run_alone(house):
    def steal(rows):
        with house.database.begin() as tx:
            tx.conn.execute(update(message).where(message.c.id == rows[0].id).values(token="another"))
        return rows

    if house.database.lite:
        pytest.skip("SQLite has one writer: nobody takes over meanwhile")
    house.handlers["work"] = Together(note, Many(done=steal))
    house.emit("work", *map(str, range(5)))
    house.worker(threads=1)
    house.wait_for(lambda: len(house.rows(done_at=None)) == 1)
    assert house.ran() == {str(n): 1 for n in range(1, 5)}


def test_convoys_keep_the_order_and_leave_out_what_failed_before():
    def row(number, handler, attempts=1):
        return Taken(number, handler, handler, str(number), "each", {}, None, attempts, "mine")

    handlers = {"clock": Together(note, Many()), "work": note}
    rows = [row(1, "clock"), row(2, "work"), row(3, "clock"), row(4, "clock", 2), row(5, "work"), row(6, "clock")]
    assert [[one.id for one in members(row)] for row in convoys(rows, handlers)] == [[1, 3, 6], [2], [4], [5]]
    many = [row(number, "clock") for number in range(MOST + 1)]
    assert [len(members(row)) for row in convoys(many, handlers)] == [MOST, 1]
