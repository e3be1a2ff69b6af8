"""One transaction: everything or nothing, the bell afterwards, and interruptions told from faults."""

import threading
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import insert, make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from taskhub.db import engine, policy_set
from taskhub.db.database import Database
from taskhub.db.flow import Route
from taskhub.db.interruption import Interrupted, interruption
from taskhub.db.tables import act, counter, history, message, pause
from taskhub.db.tx import By
from taskhub.errors import PolicyError, Problem, Unavailable

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FLOW = {
    "made": [Route("first"), Route("second", "one")],
    "timer": [Route("timer", "one")],
    "pool": [Route("wake", "one", lambda _key, payload: payload["pool"], earliest=True)],
}


@pytest.fixture
def make(request):
    made = []

    def make(url, **options):
        made.append(Database(url, flow=FLOW, loader=None, **options))
        return made[-1]

    yield make
    for database in made:
        database.close()


@pytest.fixture
def rung():
    return []


@pytest.fixture
def database(database_url, make, rung):
    return make(database_url, ring=rung.append)


def rows(database, *columns):
    with database.read() as tx:
        return [tuple(row) for row in tx.conn.execute(select(*columns).order_by(*columns))]


def test_a_commit_that_fails_holds_up_nobody(sqlite_url, make):
    database = make(sqlite_url, pool=1)
    orphan = {"task": "nowhere", "from_at": NOW, "reason": "r", "by": "b", "stops_clock": False}
    with pytest.raises(DBAPIError), database.begin() as tx:  # noqa: PT012
        tx.conn.execute(text("PRAGMA defer_foreign_keys = ON"))
        tx.conn.execute(insert(pause).values(orphan))
    with database.begin() as tx:
        tx.conn.execute(insert(counter).values(name="a", value=1))
    assert rows(database, pause.c.task) == []
    assert rows(database, counter.c.name) == [("a",)]


def test_a_transaction_that_raises_leaves_nothing_and_rings_nobody(database, rung):
    with pytest.raises(ZeroDivisionError), database.begin() as tx:  # noqa: PT012
        tx.conn.execute(insert(counter).values(name="a", value=1))
        tx.record("task", "1", "created", {})
        tx.emit("made", "k")
        tx.flush()
        raise ZeroDivisionError
    assert rows(database, counter.c.name) == rows(database, history.c.id) == rows(database, message.c.id) == []
    assert rung == []


def test_every_handler_of_a_topic_gets_its_row_and_is_rung_after_the_commit(database, rung):
    with database.begin() as tx:
        tx.emit("made", "k", {"n": 1})
        tx.emit("timer", "later", due_at=tx.now + timedelta(hours=1))
        tx.flush()
        assert rung == []
    found = rows(database, message.c.handler, message.c.key, message.c.mode, message.c.id)
    assert [row[:3] for row in found] == [
        ("first", "k", "each"), ("second", "k", "one"), ("timer", "later", "one"),
    ]  # fmt: skip
    assert [sorted(ids) for ids in rung] == [sorted(row[3] for row in found[:2])]


def test_the_key_function_of_the_flow_gathers_a_burst(database):
    with database.begin() as tx:
        for number in range(1000):
            tx.emit("pool", str(number), {"pool": "north"})
    assert rows(database, message.c.handler, message.c.key) == [("wake", "north")]


def test_the_last_timer_counts_and_the_first_wake(database):
    with database.begin() as tx:
        now = tx.now
        for hours in (2, 1, 3):
            tx.emit("timer", "k", due_at=now + timedelta(hours=hours))
            tx.emit("pool", "k", {"pool": "p"}, due_at=now + timedelta(hours=hours))
    assert rows(database, message.c.handler, message.c.due_at) == [
        ("timer", now + timedelta(hours=3)), ("wake", now + timedelta(hours=1)),
    ]  # fmt: skip
    for hours in (5, 0.5):
        with database.begin() as tx:
            tx.emit("timer", "k", due_at=now + timedelta(hours=hours))
            tx.emit("pool", "k", {"pool": "p"}, due_at=now + timedelta(hours=hours))
    assert {row[1] for row in rows(database, message.c.handler, message.c.due_at)} == {now + timedelta(hours=0.5)}


def test_cancel_takes_back_timers_of_this_and_earlier_transactions(database):
    for key in ("early", "kept"):
        with database.begin() as tx:
            tx.emit("timer", key, due_at=tx.now + timedelta(hours=1))
    with database.begin() as tx:
        tx.emit("timer", "late")
        tx.cancel("timer", "late")
        tx.cancel("timer", "early")
    assert rows(database, message.c.key) == [("kept",)]


def test_history_is_counted_per_record_and_acts_are_those_of_people(database):
    zoe = By("agent:zoe", role="agent")
    for by in (zoe, zoe, By("worker")):
        with database.begin(by, act="claim") as tx:
            tx.record("task", "1", "claimed", {"a": 1})
            tx.record("task", "1", "started", {})
    assert rows(database, history.c.seq, history.c.by) == [
        (1, "agent:zoe"), (2, "agent:zoe"), (3, "agent:zoe"), (4, "agent:zoe"), (5, "worker"), (6, "worker"),
    ]  # fmt: skip
    assert rows(database, act.c.kind, act.c.by) == [("claim", "agent:zoe")] * 2


def test_what_changed_is_told_after_the_commit(database_url, make):
    told = []
    database = make(database_url, tell=told.append)
    with database.begin() as tx:
        tx.record("task", "1", "created", {})
    with database.begin():
        pass
    assert told == [[("task", "1", "created")]]


def test_a_look_does_not_wait_for_a_writer_and_cannot_write(sqlite_url, make):
    database = make(sqlite_url)
    with database.begin() as writer:
        writer.conn.execute(insert(counter).values(name="a", value=1))
        assert rows(database, counter.c.name) == []
    with pytest.raises(DBAPIError), database.read() as tx:
        tx.conn.execute(insert(counter).values(name="b", value=1))
    assert rows(database, counter.c.name) == [("a",)]


def test_no_acknowledged_update_is_lost(sqlite_url, make):
    """Two databases on one file stand for two processes."""
    databases = [make(sqlite_url), make(sqlite_url)]
    with databases[0].begin() as tx:
        tx.conn.execute(insert(counter).values(name="a", value=0))

    def add(database):
        for _ in range(20):
            with database.begin() as tx:
                value = tx.conn.execute(select(counter.c.value)).scalar_one()
                tx.conn.execute(update(counter).values(value=value + 1))

    threads = [threading.Thread(target=add, args=(databases[n % 2],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(databases[0], counter.c.value) == [(120,)]


def test_a_dead_connection_in_the_pool_is_replaced_unseen(postgres_url, make):
    database, other = make(postgres_url, pool=1), make(postgres_url, pool=1)
    with database.begin() as tx:
        pid = tx.conn.execute(text("SELECT pg_backend_pid()")).scalar()
    with other.begin() as tx:
        tx.conn.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with database.begin() as tx:
        assert tx.conn.execute(text("SELECT pg_backend_pid()")).scalar() != pid


def test_a_connection_lost_in_the_middle_is_an_interruption(postgres_url, make):
    database, other = make(postgres_url), make(postgres_url)
    with pytest.raises(Interrupted) as caught, database.begin() as tx:  # noqa: PT012
        pid = tx.conn.execute(text("SELECT pg_backend_pid()")).scalar()
        with other.begin() as killer:
            killer.conn.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        tx.conn.execute(text("SELECT 1"))
    assert caught.value.lost
    assert isinstance(caught.value, Unavailable)


def test_a_process_that_stood_still_in_a_transaction_was_interrupted(postgres_url, make):
    database, other = make(postgres_url), make(postgres_url)
    alive = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    with pytest.raises(Interrupted) as caught, database.begin() as tx:  # noqa: PT012
        pid = tx.conn.execute(text("SELECT pg_backend_pid()")).scalar()
        tx.conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 1"))
        with other.begin() as watcher:
            while watcher.conn.execute(alive, {"pid": pid}).scalar():
                watcher.conn.execute(text("SELECT pg_stat_clear_snapshot()"))
        tx.conn.execute(text("SELECT 1"))
    assert caught.value.lost


def test_a_deadlock_is_an_interruption_worth_another_try(postgres_url, make):
    database = make(postgres_url)
    with database.begin() as tx:
        tx.conn.execute(insert(counter), [{"name": "a", "value": 0}, {"name": "b", "value": 0}])
    meet, cuts = threading.Barrier(2), []

    def lock(first, second):
        try:
            with database.begin() as tx:
                tx.conn.execute(update(counter).where(counter.c.name == first).values(value=1))
                meet.wait(10)
                tx.conn.execute(update(counter).where(counter.c.name == second).values(value=1))
        except Interrupted as cut:
            cuts.append(cut.lost)

    threads = [threading.Thread(target=lock, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cuts == [False]


def test_no_free_connection_is_told_soon(postgres_url, make, monkeypatch):
    monkeypatch.setattr(engine, "POOL_WAIT", 0.1)
    database = make(postgres_url, pool=1)
    start = time.monotonic()
    with database.begin(), pytest.raises(Interrupted), database.begin():
        pass
    assert time.monotonic() - start < 2
    with database.begin(), database.begin(vital=True):
        pass


def test_a_file_that_another_process_writes_is_told_as_busy(sqlite_url, make, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_MS", 50)
    database, other = make(sqlite_url), make(sqlite_url)
    with other.begin(), pytest.raises(Interrupted), database.begin():
        pass


def test_a_database_that_is_not_there_is_told(make):
    with pytest.raises(Interrupted), make("postgresql://postgres@/postgres?host=/nowhere").begin():
        pass


def test_a_database_that_refuses_is_told(postgres_url, make):
    elsewhere = make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(Interrupted), make(elsewhere).begin():
        pass


@pytest.mark.parametrize(
    ("state", "lost"),
    [("28P01", True), ("28000", True), ("3D000", True), ("58030", True), ("57014", None), ("42P01", None),
     ("XX000", None), ("40001", False)],
)  # fmt: skip
def test_what_says_nothing_about_the_work_is_an_interruption(state, lost):
    cut = interruption(DBAPIError("SELECT 1", {}, psycopg.errors.lookup(state)("no")))
    assert (cut and cut.lost) is lost


def test_active_policies_that_cannot_be_read_here_are_an_interruption(database_url, make):
    def refuse(_texts, _resolved):
        raise PolicyError([Problem("queues.toml", 1, "queue.x", "unknown key")])

    database = make(database_url)
    with database.begin() as tx:
        policy_set.activate(tx.conn, hash_="h", files={}, resolved={}, at=tx.now, by="x")
    database._loader = refuse
    with pytest.raises(Interrupted, match=r"cannot be read here: queues\.toml:1"), database.begin():
        pass


def test_a_mistake_is_no_interruption(database):
    with pytest.raises(DBAPIError), database.begin() as tx:
        tx.conn.execute(text("SELECT nothing FROM nowhere"))
