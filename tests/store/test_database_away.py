"""A database that is not there, does not answer, is full or is held by others: bounded, told as such, and over."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, select, text

from taskhub.db import database as database_module
from taskhub.db import engine, patience
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.migrate import upgrade
from taskhub.db.steady import Steady
from taskhub.db.tables import counter
from tests.servers import start_postgres

PATIENT = 30.0  # for a machine that is busy with other things
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@contextmanager
def opened(url: str, **options: int) -> Iterator[Database]:
    db = Database(url, flow={}, loader=lambda *_: None, **options)  # type: ignore[arg-type,return-value]
    try:
        yield db
    finally:
        db.close()


def put(db: Database, name: str, *, vital: bool = False) -> None:
    with db.begin(vital=vital) as tx:
        tx.conn.execute(counter.insert().values(name=name, value=1))


def names(db: Database) -> set[str]:
    with db.read() as tx:
        return set(tx.conn.execute(select(counter.c.name)).scalars())


class Silent:
    """A PostgreSQL that may be stopped: it takes connections, and never answers."""

    def __init__(self) -> None:
        self.server = start_postgres()
        upgrade(self.server.url)

    def hold(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        """The server and every process of it."""
        found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [self.server.pid, *(pid for pid in found if _parent(pid) == self.server.pid)]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@pytest.fixture(scope="module")
def silent() -> Iterator[Silent]:
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc to find the processes of the server")
    one = Silent()
    yield one
    one.go_on()
    one.server.stop()


def test_a_server_that_never_answers_is_given_up_by_everybody_and_found_again(silent: Silent) -> None:
    with opened(silent.server.url) as db:
        put(db, "before")
        begun, told = threading.Event(), []

        def under_way() -> None:
            try:
                with db.begin() as tx:
                    begun.set()
                    held.wait(PATIENT)
                    tx.conn.execute(text("SELECT 1"))
            except Interrupted as cut:
                told.append(cut)

        held = threading.Event()
        thread = threading.Thread(target=under_way)
        thread.start()
        assert begun.wait(PATIENT)
        silent.hold()
        held.set()
        for vital in (False, True):
            with pytest.raises(Interrupted, match="does not answer"):
                put(db, "meanwhile", vital=vital)
        thread.join(PATIENT)
        assert [cut.lost for cut in told] == [True]
        silent.go_on()
        _until_it_works(db, "after")
        assert names(db) == {"before", "after"}


def _until_it_works(db: Database, name: str) -> None:
    end = time.monotonic() + PATIENT
    while True:
        try:
            put(db, name)
        except Interrupted:
            assert time.monotonic() < end
        else:
            return


def test_a_statement_that_is_merely_long_goes_on(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ASK_AFTER", 0.1)
    monkeypatch.setattr(patience, "ASK_AGAIN", 0.1)
    with opened(postgres_url) as db, db.begin() as tx:
        assert tx.conn.execute(text("SELECT 1 FROM pg_sleep(1)")).scalar() == 1


def test_who_waits_longest_is_given_up_even_so(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection may be dead although its server answers strangers."""
    monkeypatch.setattr(patience, "ASK_AFTER", 0.1)
    monkeypatch.setattr(patience, "LONGEST", 0.5)
    with opened(postgres_url) as db:
        with pytest.raises(Interrupted), db.begin() as tx:
            tx.conn.execute(text("SELECT 1 FROM pg_sleep(60)"))
        put(db, "after")


def test_a_refused_connection_is_told_at_once() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        port = door.getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/none"
    with opened(url) as db, pytest.raises(Interrupted, match="does not answer"):
        put(db, "x")


def test_all_connections_in_use_leave_what_is_vital_its_own(postgres_url: str) -> None:
    with opened(postgres_url, pool=2) as db, db.begin(), db.begin():
        put(db, "renewed", vital=True)
        with pytest.raises(Interrupted, match="in use"):
            put(db, "other")


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_full_file_fails_closed_and_goes_on_once_there_is_room(sqlite_url: str) -> None:
    with opened(sqlite_url) as db:
        pages = 0

        @event.listens_for(db.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages or 1_000_000}")

        put(db, "before")
        with db.read() as tx:
            pages = tx.conn.execute(text("PRAGMA page_count")).scalar_one()
        with pytest.raises(Interrupted) as full, db.begin() as tx:
            tx.conn.execute(counter.insert(), [{"name": f"{number}" * 100, "value": 1} for number in range(2_000)])
        assert (full.value.stable_code, full.value.lost) == ("storage_full", True)
        assert names(db) == {"before"}
        pages = 0
        put(db, "after")
        assert names(db) == {"before", "after"}


def test_a_file_held_by_another_process_is_waited_for_only_so_long(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MS", 200)
    monkeypatch.setattr(database_module, "LINE_WAIT", 0.2)
    with opened(sqlite_url) as db, closing(sqlite3.connect(make_url(sqlite_url).database or "")) as other:
        put(db, "before")
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        told: list[str] = []

        def attempt() -> None:
            with pytest.raises(Interrupted) as cut:
                put(db, "x")
            told.append(cut.value.message)

        threads = [threading.Thread(target=attempt) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert names(db) == {"before"}  # looks go on
        for thread in threads:
            thread.join(PATIENT)
        assert len(told) == 5
        other.execute("ROLLBACK")
        put(db, "after")


def test_a_clock_that_goes_back_stands_still_or_stops_everything() -> None:
    steady = Steady()
    assert steady.at(NOON + timedelta(days=36500)) == NOON + timedelta(days=36500)
    assert steady.at(NOON + timedelta(days=36500, seconds=-1)) == NOON + timedelta(days=36500)
    with pytest.raises(Interrupted) as back:
        steady.at(NOON)
    assert back.value.stable_code == "clock_went_back"
    assert "restart" in back.value.message
    assert steady.at(NOON + timedelta(days=36501)) == NOON + timedelta(days=36501)


def test_a_thread_that_lay_still_is_no_clock_set_back() -> None:
    steady, now = Steady(), datetime.now(UTC)
    steady.at(now)
    assert steady.at(now - timedelta(minutes=1)) >= now


def test_nothing_is_written_while_the_clock_is_back(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(sqlite_url) as db:
        put(db, "before")
        ahead = datetime.now(UTC) + timedelta(minutes=10)
        db._steady.at(ahead)  # type: ignore[union-attr]
        with pytest.raises(Interrupted, match="clock"):
            put(db, "meanwhile")
        monkeypatch.setattr("taskhub.db.steady.real_now", lambda: ahead)
        put(db, "after")
        assert names(db) == {"before", "after"}
