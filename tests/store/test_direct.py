"""Statements that travel together: the order of calls is the order of statements, and a failure keeps nothing."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from taskhub.db import engine
from taskhub.db.direct import Direct
from taskhub.db.quick import array, later, quick, run

ADD = quick("INSERT INTO spot (id, name) VALUES (:id, :name)", id="bigint")
ALL = quick("SELECT id, name FROM spot ORDER BY id")
ECHO = quick(
    "SELECT :text AS a, :flag AS b, :number AS c, :float AS d, :at AS e, :bytes AS f, :list AS g, :json AS h, :nothing",
    flag="boolean", number="bigint", float="float8", at="timestamptz", bytes="bytea", list="text[]", json="jsonb",
)  # fmt: skip


@pytest.fixture
def made(empty_postgres_url: str) -> Iterator[Engine]:
    """One connection, so that every transaction meets what the last one left on it."""
    made = engine.writer(empty_postgres_url, 1)
    with made.begin() as conn:
        conn.execute(text("CREATE TABLE spot (id bigint PRIMARY KEY, name text)"))
    yield made
    made.dispose()


def spots(made: Engine) -> list[tuple[int, str]]:
    with made.begin() as conn:
        return [tuple(row) for row in conn.execute(text("SELECT id, name FROM spot ORDER BY id"))]


def driver(conn: Connection) -> Direct:
    found = conn.connection.driver_connection
    assert isinstance(found, Direct)
    return found


def test_values_arrive_as_they_were_given(made: Engine) -> None:
    given = {
        "text": "é'\"\\ 漢", "flag": True, "number": -(2**62), "float": 0.1, "bytes": b"\x00\xff", "nothing": None,
        "at": datetime(2026, 3, 1, 8, 30, 0, 123, tzinfo=UTC), "list": array(["a,b", 'c"d']), "json": '{"a": [1]}',
    }  # fmt: skip
    with made.begin() as conn:
        (row,) = run(conn, ECHO, given)
    *plain, chosen, loaded, nothing = row
    assert plain == [given[name] for name in ("text", "flag", "number", "float", "at", "bytes")]
    assert (chosen, loaded, nothing) == (["a,b", 'c"d'], {"a": [1]}, None)


@pytest.mark.parametrize("wrong", ["a\x00b", object()])
def test_what_cannot_be_sent_is_refused_and_the_connection_lives(made: Engine, wrong: object) -> None:
    with pytest.raises((DBAPIError, TypeError)), made.begin() as conn:
        run(conn, ADD, {"id": 1, "name": wrong})
    with made.begin() as conn:
        run(conn, ADD, {"id": 1, "name": "fine"})
    assert spots(made) == [(1, "fine")]


def test_what_is_held_back_outlives_a_value_that_cannot_be_sent(made: Engine) -> None:
    with made.begin() as conn:
        later(conn, ADD, {"id": 1, "name": "held"})
        with pytest.raises(DBAPIError):
            run(conn, ADD, {"id": 2, "name": "a\x00b"})
    assert spots(made) == [(1, "held")]


def test_what_is_held_back_comes_before_whatever_comes_next(made: Engine) -> None:
    with made.begin() as conn:
        later(conn, ADD, {"id": 1, "name": "held"})
        assert run(conn, ALL, {}) == [(1, "held")]
        later(conn, ADD, {"id": 2, "name": "held too"})
        assert conn.execute(text("SELECT count(*) FROM spot")).scalar_one() == 2
        call = later(conn, quick("INSERT INTO spot VALUES (3, 'told') RETURNING id"), {})
        assert call.rows == []
    assert call.rows == [(3,)]
    assert [id_ for id_, _ in spots(made)] == [1, 2, 3]


def test_begin_and_commit_travel_along(made: Engine) -> None:
    """Seen by another connection: nothing before the commit, all of it after."""
    other = engine.writer(made.url.render_as_string(hide_password=False), 1)
    with made.connect() as conn:
        run(conn, ADD, {"id": 1, "name": "a"})
        later(conn, ADD, {"id": 2, "name": "b"})
        assert spots(other) == []
        conn.commit()
        assert spots(other) == [(1, "a"), (2, "b")]
        assert driver(conn).info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    other.dispose()


def test_a_rollback_forgets_what_is_held_back(made: Engine) -> None:
    with made.connect() as conn:
        run(conn, ADD, {"id": 1, "name": "a"})
        later(conn, ADD, {"id": 2, "name": "b"})
        conn.rollback()
        later(conn, ADD, {"id": 3, "name": "c"})
        conn.commit()
    assert spots(made) == [(3, "c")]


@pytest.mark.parametrize("how", ["commit", "run", "execute"])
def test_a_failure_of_what_was_held_back_appears_with_the_next_and_undoes_everything(made: Engine, how: str) -> None:
    with pytest.raises(DBAPIError) as failed, made.begin() as conn:  # noqa: PT012  the commit is under test too
        run(conn, ADD, {"id": 1, "name": "first"})
        later(conn, ADD, {"id": 1, "name": "twin"})
        later(conn, ADD, {"id": 2, "name": "never run"})
        if how == "run":
            run(conn, ALL, {})
        elif how == "execute":
            conn.execute(text("SELECT 1"))
    assert getattr(failed.value.orig, "sqlstate", None) == "23505"
    assert not failed.value.connection_invalidated
    assert spots(made) == []
    with made.begin() as conn:
        run(conn, ADD, {"id": 1, "name": "again"})
    assert spots(made) == [(1, "again")]


def test_statements_survive_a_rollback_after_which_the_driver_forgets_its_own(made: Engine) -> None:
    for number in range(4):
        with made.connect() as conn:
            run(conn, ADD, {"id": number, "name": "kept"})
            conn.execute(text("SELECT name FROM spot WHERE id = :id"), {"id": number})
            conn.commit()
            run(conn, ADD, {"id": 10 + number, "name": "dropped"})
            conn.execute(text("SELECT name FROM spot WHERE id = :id"), {"id": number})
            conn.rollback()
    assert [id_ for id_, _ in spots(made)] == [0, 1, 2, 3]


def test_a_changed_table_costs_one_try(made: Engine) -> None:
    every = quick("SELECT * FROM spot ORDER BY id")
    with made.begin() as conn:
        run(conn, ADD, {"id": 1, "name": "a"})
        assert run(conn, every, {}) == [(1, "a")]
        conn.execute(text("ALTER TABLE spot ADD COLUMN more text DEFAULT 'm'"))
    with pytest.raises(DBAPIError), made.begin() as conn:
        run(conn, every, {})
    with made.begin() as conn:
        assert run(conn, every, {}) == [(1, "a", "m")]


def test_more_than_the_line_takes_at_once(made: Engine) -> None:
    """Both directions fill up: whoever only sent, or only read, would wait for ever."""
    large = "x" * 6_000_000
    same = quick("SELECT :text")
    with made.begin() as conn:
        for _ in range(3):
            later(conn, same, {"text": large})
        assert run(conn, same, {"text": large}) == [(large,)]


def test_a_connection_that_is_cut_while_it_waits_is_given_up(made: Engine) -> None:
    other = engine.writer(made.url.render_as_string(hide_password=False), 1)
    failed: list[DBAPIError] = []

    def wait() -> None:
        try:
            with made.begin() as conn:
                run(conn, quick("SELECT pg_sleep(60)"), {})
        except DBAPIError as error:
            failed.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    asked = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND datname = current_database()"
    with other.connect() as conn:
        while not (found := conn.execute(text(asked)).scalars().all()):
            conn.rollback()
            time.sleep(0.01)
        conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": found[0]})
        conn.commit()
    waiting.join(30)
    assert len(failed) == 1
    assert failed[0].connection_invalidated or getattr(failed[0].orig, "sqlstate", None) == "57P01"
    assert spots(made) == []  # the pool has a new one
    other.dispose()


def test_a_connection_that_is_closed_is_gone_before_anybody_collects_what_goes_in_circles(made: Engine) -> None:
    """A pool renews its connections every ten minutes; the collector may come by after an hour."""
    made.dispose()
    gc.disable()
    try:
        with made.begin() as conn:
            run(conn, ECHO, dict.fromkeys(ECHO.names))
            conn.execute(text("SELECT 1"))
            closed = weakref.ref(driver(conn))
        made.dispose()
        assert closed() is None
    finally:
        gc.enable()
