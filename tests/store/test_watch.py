"""A database server that hangs is given up, one that is only slow is waited for."""

import threading

import pytest
from sqlalchemy import text

from taskhub.db import watch
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.migrate import upgrade
from taskhub.flow import FLOW
from taskhub.policy.policies import Policies
from tests.hanging import hung
from tests.servers import start_postgres


@pytest.fixture(scope="module")
def server():
    with start_postgres(tcp=True) as started:
        upgrade(started.url)
        yield started


@pytest.fixture
def db(server, monkeypatch):
    for name in ("AFTER", "WITHIN", "AGAIN"):
        monkeypatch.setattr(watch, name, 0.2)
    made = Database(server.url, pool=2, flow=FLOW, loader=lambda *_: Policies(hash=""))
    with made.read():
        pass
    yield made
    made.close()


def ask(db):
    with db.read() as tx:
        return tx.conn.execute(text("SELECT 1")).scalar()


def test_a_server_that_hangs_is_given_up_and_found_again(server, db):
    with hung(server.pid):
        for _ in range(3):
            with pytest.raises(Interrupted, match="does not answer"):
                ask(db)
    assert _again(db) == 1


def test_one_that_hangs_during_a_statement_is_given_up_too(server, db):
    with pytest.raises(Interrupted, match="does not answer"), db.begin() as tx, hung(server.pid):
        tx.conn.execute(text("SELECT 2"))
    assert _again(db) == 1


def test_a_statement_may_take_long(db):
    with db.read() as tx:
        assert tx.conn.execute(text("SELECT 3 FROM pg_sleep(0.5)")).scalar() == 3


def test_a_lock_may_be_waited_for(db):
    held, free = threading.Event(), threading.Event()

    def hold():
        with db.begin() as tx:
            tx.conn.execute(text("SELECT pg_advisory_xact_lock(1)"))
            held.set()
            free.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(10)
    with db.begin() as tx:
        threading.Timer(0.5, free.set).start()
        tx.conn.execute(text("SELECT pg_advisory_xact_lock(1)"))
        assert free.is_set()
    other.join()


def _again(db):
    """The first call after a silence may still be refused: one is let through to ask at a time."""
    try:
        return ask(db)
    except Interrupted:
        threading.Event().wait(2 * watch.AGAIN)
        return ask(db)
