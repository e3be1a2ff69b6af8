"""Engines that mean the same on both databases. SQLite begins IMMEDIATE, so that a writer reads what it changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool, StaticPool

from taskhub.db.direct import Direct
from taskhub.db.patience import Patience
from taskhub.db.quick import number

BUSY_MS = 5_000
POOL_WAIT = 1.8
# A worker has more statements than the driver's hundred: it would forget and prepare them again in turn.
STATEMENTS = 500
POSTGRES_OPTIONS = {
    "idle_in_transaction_session_timeout": 10_000,
    "lock_timeout": 8_000,
    "statement_timeout": 30_000,
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "jit": "off",
}


def writer(url: str, pool: int, patience: Patience | None = None, *, busy_ms: int | None = None) -> Engine:
    """An engine whose every transaction may write. ``pool`` is the number of connections.

    ``patience`` bounds waits for PostgreSQL; ``busy_ms`` those for another process that writes to a SQLite file.
    """
    if is_sqlite(url):
        return _sqlite(url, pool, "BEGIN IMMEDIATE", busy_ms or BUSY_MS)
    return _postgres(url, pool, patience or Patience())


def reader(url: str, pool: int = 2) -> Engine | None:
    """SQLite only: an engine for looks that never write and never wait for a writer."""
    return _sqlite(url, pool, "BEGIN", BUSY_MS) if is_sqlite(url) else None


def of_one(connect: Callable[[], sqlite3.Connection]) -> Engine:
    """A SQLite engine over the one connection that ``connect`` gives, for one thread: simulations in memory."""
    engine = create_engine(
        "sqlite://", creator=connect, poolclass=StaticPool, json_serializer=_dumps, json_deserializer=orjson.loads
    )
    return _begins(engine, "BEGIN IMMEDIATE")


def is_sqlite(url: str) -> bool:
    """Whether ``url`` names a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def _dumps(value: Any) -> str:
    return orjson.dumps(value, number, orjson.OPT_NON_STR_KEYS).decode()


def _postgres(url: str, pool: int, patience: Patience) -> Engine:
    target = make_url(url).set(drivername="postgresql+psycopg")
    options = " ".join(f"-c {name}={value}" for name, value in POSTGRES_OPTIONS.items())
    engine = create_engine(
        target,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=POOL_WAIT,
        pool_recycle=600,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # what people wrote does not belong into errors and logs
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        # A host that is gone is given up: without the last, it holds a thread for many minutes.
        connect_args={"connect_timeout": 2, "options": options, "prepare_threshold": 2, "tcp_user_timeout": 10_000},
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, named: Any) -> Direct:
        patience.greet(named.get("host"), named.get("port"))
        connection = Direct.connect(*args, **named)
        connection.patience = patience
        connection.prepared_max = STATEMENTS
        return connection

    return engine


def _sqlite(url: str, pool: int, begin: str, busy_ms: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=busy_ms / 1000,
        hide_parameters=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"timeout": busy_ms / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={busy_ms}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        if begin == "BEGIN":
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    return _begins(engine, begin)


def _begins(engine: Engine, begin: str) -> Engine:
    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
