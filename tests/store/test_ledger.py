"""What the ledger promises, the same on SQLite and PostgreSQL. Time is an argument here: no test waits."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from taskhub.db import ledger, leftovers, outbox
from taskhub.db.outbox import Row
from taskhub.db.turns import Turns
from tests.store.book import HOUR, NOW, SECOND, Ledger, c


@pytest.fixture
def book(database_url):
    book = Ledger(database_url)
    yield book
    book.engine.dispose()


def keys(rows):
    return [row.key for row in rows]


def test_rows_are_taken_when_due_in_due_order_and_only_once(book):
    book.emit("late", due_at=NOW + HOUR)
    book.emit("b", due_at=NOW - SECOND)
    book.emit("a", due_at=NOW - 2 * SECOND)
    book.emit("c", due_at=NOW)
    assert keys(book.take(limit=2)) == ["a", "b"]
    assert keys(book.take()) == ["c"]
    assert book.take() == book.take(ledger.take) == []
    book.pass_(HOUR - timedelta(microseconds=1))
    assert "late" not in keys(book.take())
    book.pass_(timedelta(microseconds=1))
    assert keys(book.take()) == ["late"]


def test_rung_rows_are_left_to_the_bell_for_a_second_and_timers_are_not(book):
    ids = book.emit("rung", "timer")
    assert book.take(rung_before=NOW - SECOND) == []
    assert book.call(ledger.take_rung, ids[:1], NOW, NOW + ledger.HOLD)[0].key == "rung"
    assert book.call(ledger.take_rung, ids[:1], NOW, NOW + ledger.HOLD) == []
    book.pass_(SECOND)
    assert keys(book.take(rung_before=NOW)) == ["timer"]
    assert book.emit("timer", due_at=book.now + SECOND) == []
    book.pass_(SECOND)
    assert keys(book.take(rung_before=NOW)) == ["timer"]


def test_a_wake_emitted_again_and_again_grows_old_enough_for_the_loop(book):
    for _ in range(10):
        book.emit("pool", mode="one", earliest=True)
        book.pass_(SECOND / 4)
    assert keys(book.take(rung_before=book.now - SECOND)) == ["pool"]


@pytest.mark.parametrize("earliest", [False, True])
def test_one_row_moves_while_untaken_and_gets_a_successor_once_taken(book, earliest):
    book.emit("k", mode="one", due_at=NOW + 2 * HOUR, earliest=earliest, n=1)
    book.emit("k", mode="one", due_at=NOW + 3 * HOUR, earliest=earliest, n=2)
    assert book.column(c.due_at) == [NOW + (2 if earliest else 3) * HOUR]
    book.emit("k", mode="one", due_at=NOW, earliest=earliest, n=3)
    first = book.one()
    assert first.payload == {"n": 3}
    book.emit("k", mode="one", n=4)
    (second,) = book.column(c.id)[1:]
    assert book.take() == []
    assert book.call(ledger.take_rung, [second], NOW, NOW + ledger.HOLD) == []
    assert book.settle(first)
    assert book.one().payload == {"n": 4}


def test_a_one_row_that_failed_still_keeps_its_successor_waiting(book):
    book.emit("k", mode="one", n=1)
    book.fail(book.one())
    book.emit("k", mode="one", n=2)
    book.emit("k", mode="one", n=3)
    assert len(book.column(c.id)) == 2
    assert book.take() == []
    book.pass_(SECOND)
    first = book.one(ledger.take)
    assert first.payload == {"n": 1}
    assert book.take(ledger.take) == []
    book.settle(first)
    assert book.one(ledger.take).payload == {"n": 3}


def test_cancel_takes_only_what_is_untaken(book):
    book.emit("k", mode="one")
    row = book.one()
    book.emit("k", mode="one", due_at=NOW + HOUR)
    book.call(outbox.cancel, [("h", "k")])
    assert book.column(c.id) == [row.id]
    assert book.settle(row)


def test_when_a_hold_ends_another_takes_over_and_the_first_cannot_settle(book):
    book.emit("a", "b")
    first, neighbour = book.take()
    book.pass_(3 * SECOND)
    book.call(ledger.prolong, [neighbour], book.now + ledger.HOLD)
    book.pass_(SECOND)
    again = book.one(ledger.take)
    assert (again.id, again.attempts) == (first.id, 2)
    assert not book.settle(first)
    book.call(ledger.prolong, [first], book.now + HOUR)
    book.call(ledger.give_back, [first])
    assert book.settle(again)
    assert not book.settle(again)
    assert book.settle(neighbour)


def test_a_failing_row_runs_again_after_1_and_10_seconds_singly_and_is_dead_after_three_tries(book):
    book.emit("a", "b")
    for row in book.take():
        assert book.fail(row) == SECOND
    book.pass_(SECOND)
    assert book.take() == []
    pair = [book.one(ledger.take_tried), book.one(ledger.take_tried)]
    assert book.take(ledger.take_tried) == []
    assert [book.fail(row) for row in pair] == [10 * SECOND] * 2
    book.pass_(10 * SECOND)
    assert book.take() == book.take(ledger.take_tried) == []
    assert book.call(ledger.last_waits, book.now)
    row = book.one(ledger.take_last)
    assert (row.attempts, book.fail(row, "no\0 \ud800 more")) == (3, None)
    book.settle(book.one(ledger.take_last))
    book.pass_(100 * HOUR)
    assert book.take(ledger.take) == []
    (dead,) = book.call(leftovers.dead)
    assert (dead["key"], dead["error"]) == (row.key, "no ? more")
    assert not book.settle(row)


@pytest.mark.parametrize("mode", ["each", "one", "outside"])
def test_a_row_whose_every_try_ends_its_process_is_dead_after_three(book, mode):
    book.emit("poison", mode=mode)
    for tries, how in enumerate((ledger.take_fresh, ledger.take_tried, ledger.take_last), 1):
        assert book.bury() == 0
        row = book.one(how)
        assert row.attempts == tries
        book.pass_(ledger.HOLD + (tries == 2) * ledger.CALM)
    assert book.take(ledger.take) == []
    assert book.bury() == 1
    assert book.call(leftovers.census, book.now) == {"later": 0, "due": 0, "held": 0, "dead": 1}
    assert not book.settle(row)


def died_twice(book, mode):
    book.emit("innocent", mode=mode)
    for _ in range(2):
        book.one(ledger.take)
        book.pass_(ledger.HOLD)


@pytest.mark.parametrize("mode", ["each", "one", "outside"])
def test_processes_that_die_in_quick_succession_leave_a_row_its_last_try(book, mode):
    died_twice(book, mode)
    for _ in range(9):
        assert book.take(ledger.take) == []
        assert not book.call(ledger.last_waits, book.now)
        book.pass_(SECOND)
    book.pass_(SECOND)
    assert book.call(ledger.last_waits, book.now)
    assert book.settle(book.one(ledger.take))


def dies_again(book, key):
    """Another row loses its process, and is done by the next one."""
    book.emit(key)
    book.one(ledger.take_fresh)
    book.pass_(ledger.HOLD)
    book.settle(book.one(ledger.take_tried))


@pytest.mark.parametrize("mode", ["each", "one", "outside"])
def test_a_last_try_waits_until_nobodys_process_has_died_for_a_while(book, mode):
    died_twice(book, mode)
    for number in range(5):
        dies_again(book, str(number))
        assert not book.call(ledger.last_waits, book.now)
        assert book.take(ledger.take_last) == []
        book.pass_(2 * SECOND)
    book.pass_(ledger.CALM - 3 * SECOND)
    assert book.take(ledger.take_last) == []
    book.pass_(SECOND)
    assert book.settle(book.one(ledger.take_last))


def test_a_row_that_ends_its_last_process_is_a_death_too(book):
    died_twice(book, "each")
    book.emit("poison")
    for how in (ledger.take_fresh, ledger.take_tried):
        book.one(how)
        book.pass_(ledger.HOLD)
    book.pass_(ledger.CALM)
    book.one(ledger.take_last)
    book.pass_(ledger.HOLD)
    assert book.bury() == 1
    assert book.take(ledger.take_last) == []
    book.pass_(ledger.CALM)
    assert book.one(ledger.take_last).attempts == 3


def test_innocents_of_one_storm_have_their_last_tries_one_after_the_other(book):
    book.emit("a", "b", "c")
    book.take()
    book.pass_(ledger.HOLD)
    assert len([book.one(ledger.take_tried) for _ in range(3)]) == 3
    book.pass_(ledger.HOLD + ledger.CALM)
    assert [book.settle(book.one(ledger.take_last)) for _ in range(3)] == [True] * 3


def test_what_is_poison_is_known_however_long_others_die(book):
    died_twice(book, "each")
    ends = book.now + ledger.LONGEST_STORM
    while book.now + 5 * SECOND < ends:
        dies_again(book, book.now.isoformat())
        assert book.take(ledger.take_last) == []
    book.pass_(5 * SECOND)
    assert book.one(ledger.take_last).attempts == 3


@pytest.mark.parametrize("mode", ["each", "one", "outside"])
def test_what_is_given_back_on_its_last_try_is_free_at_once(book, mode):
    died_twice(book, mode)
    book.pass_(ledger.CALM)
    row = book.one(ledger.take_last)
    book.pass_(SECOND)
    book.call(ledger.give_back, [row])
    assert book.one(ledger.take).id == row.id


def test_a_dead_row_can_be_revived(book):
    book.emit("k")
    for _ in range(3):
        book.fail(book.one(ledger.take))
        book.pass_(10 * SECOND)
    (dead,) = book.call(leftovers.dead, handler="h")
    assert book.call(leftovers.dead, handler="other") == []
    assert not book.call(ledger.revive, dead["id"] + 1, book.now)
    assert book.call(ledger.revive, dead["id"], book.now)
    assert not book.call(ledger.revive, dead["id"], book.now)
    row = book.one(rung_before=book.now - SECOND)
    assert (row.id, row.attempts) == (dead["id"], 1)


@pytest.mark.parametrize("successor", ["none", "untaken", "taken"])
def test_a_revived_one_row_and_its_successor_do_not_block_each_other(book, successor):
    book.emit("k", mode="one", n=1)
    for _ in range(3):
        book.fail(book.one(ledger.take))
        book.pass_(10 * SECOND)
    if successor != "none":
        book.emit("k", mode="one", due_at=book.now, n=2)
    held = book.take() if successor == "taken" else []
    assert book.call(ledger.revive, book.column(c.id)[0], book.now)
    for row in held:
        book.fail(row)
    ran = []
    for _ in range(3):
        book.pass_(10 * SECOND)
        rows = book.take(ledger.take)
        assert all(book.settle(row) for row in rows)
        ran += rows
    assert len(ran) == (2 if successor == "taken" else 1)


def test_outside_rows_have_ten_tries_over_days_and_wait_as_long_as_asked(book):
    book.emit("crm", mode="outside")
    waits = []
    for _ in range(10):
        row = book.one(outside=True)
        waits.append(book.fail(row))
        book.pass_(waits[-1] or HOUR)
    assert waits == [*ledger.OUTSIDE_BACKOFF, None]
    first = replace(row, attempts=1)
    assert ledger.wait_after(first, 1.0, HOUR) == HOUR
    assert ledger.wait_after(first, 1.0, 99 * HOUR) == 24 * HOUR


def test_the_lanes_are_taken_apart(book):
    book.emit("in")
    book.emit("out", mode="outside")
    assert keys(book.take(outside=True)) == ["out"]
    assert keys(book.take(outside=False)) == ["in"]


@pytest.mark.parametrize("mode", ["each", "one", "outside"])
def test_rows_given_back_are_not_counted(book, mode):
    book.emit("a", "b", mode=mode)
    rows = book.take()
    book.call(ledger.give_back, rows[:1])
    book.call(ledger.give_back, rows[1:], later=book.now + 9 * SECOND)
    assert book.column(c.attempts) == [0, 0]
    assert keys(book.take()) == ["a"]
    book.pass_(9 * SECOND)
    assert keys(book.take()) == ["b"]


def test_looks_say_what_is_due_and_when_the_next_is(book):
    assert (book.call(ledger.any_due, NOW), book.call(ledger.next_due, NOW)) == (False, None)
    book.emit("a", due_at=NOW + HOUR)
    assert (book.call(ledger.any_due, NOW), book.call(ledger.next_due, NOW)) == (False, NOW + HOUR)
    book.emit("b")
    assert (book.call(ledger.any_due, NOW), book.call(ledger.next_due, NOW)) == (True, NOW + HOUR)
    assert book.call(leftovers.census, NOW) == {"later": 1, "due": 1, "held": 0, "dead": 0}


def test_done_rows_are_forgotten_and_no_others(book):
    book.emit("done", "open")
    book.settle(book.take(limit=1)[0])
    assert book.call(leftovers.forget, NOW, limit=10) == (0, False)
    assert book.call(leftovers.forget, NOW + HOUR, limit=10) == (1, False)
    assert book.column(c.key) == ["open"]


def test_forgetting_goes_round_in_bounded_steps(book):
    """Rows that stay open do not keep those behind them, and what was done behind the last step goes the next time."""
    book.emit(*"abcdefg")
    for row in book.take():
        if row.key in "bcg":
            book.settle(row)
    later = NOW + HOUR
    assert [book.call(leftovers.forget, later, limit=3) for _ in range(3)] == [(2, True), (0, True), (1, False)]
    assert book.call(leftovers.count_done, later) == 0
    assert [book.call(leftovers.forget, later, limit=3) for _ in range(2)] == [(0, True), (0, False)]
    assert book.column(c.key) == ["a", "d", "e", "f"]


def flood(book, **counts):
    for source, count in counts.items():
        rows = [Row("t", "h", f"{source}{n}", "each", {}, book.now, source=source) for n in range(count)]
        book.call(outbox.write, rows, book.now)
        book.pass_(SECOND)


def test_sources_take_turns_and_our_own_rows_wait_for_none(book):
    flood(book, flood=500, few=10)
    book.emit("timer", due_at=book.now)
    turns = Turns()
    first, second = (Counter(row.source for row in book.take(limit=20, turns=turns)) for _ in range(2))
    assert first == {"": 1, "few": 10, "flood": 9}
    assert second == {"flood": 20}


def test_a_flood_of_our_own_leaves_the_sources_their_half(book):
    book.emit(*map(str, range(100)))
    flood(book, crm=100)
    assert Counter(row.source for row in book.take(limit=20, turns=Turns())) == {"": 10, "crm": 10}


def test_the_circle_of_sources_goes_on_where_it_was(book):
    flood(book, **{f"s{n:02}": 3 for n in range(30)})
    turns, seen = Turns(), []
    for _ in range(4):
        seen += dict.fromkeys(row.source for row in book.take(limit=8, turns=turns))
    assert sorted(set(seen)) == [f"s{n:02}" for n in range(30)]
    for _ in range(30):
        book.take(limit=8, turns=turns)
    assert book.take(limit=8, turns=turns) == []


def test_however_many_rows_are_held_the_connection_learns_no_more_statements(postgres_url):
    book = Ledger(postgres_url)

    def work(count):
        """How many statements the one connection knows afterwards."""
        book.emit(*(f"{count}-{number}" for number in range(count)))
        rows = book.take()
        book.call(ledger.prolong, rows, book.now + HOUR)
        assert len(rows) == count
        assert set(book.column(c.until)) == {book.now + HOUR}
        assert book.call(ledger.settle_all, rows, book.now)
        with book.engine.connect() as conn:
            driver = conn.connection.driver_connection
            return len(driver._plans) + len(driver._prepared._names) + len(driver._prepared._counts)

    known = [work(count) for count in range(1, 9)]
    assert set(known) == {known[0]}
    book.engine.dispose()
