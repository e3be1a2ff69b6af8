"""Who uses a connection now, so that somebody else can cut it when its user hangs."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from taskhub.db.line import Place


@dataclass(slots=True, eq=False)
class _Use:
    """A connection, and its user's place in the line."""

    conn: Connection
    place: Place


class Uses:
    """The connections in use, by thread. Each use ends once: by its user, or by ``sever``."""

    def __init__(self) -> None:
        self._by_thread: dict[int, list[_Use]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def of(self, conn: Connection, place: Place) -> Iterator[None]:
        """Held while this thread uses ``conn``."""
        ident, use = threading.get_ident(), _Use(conn, place)
        with self._lock:
            self._by_thread.setdefault(ident, []).append(use)
        try:
            yield
        finally:
            self._end(ident, use)

    def sever(self, ident: int) -> None:
        """Cuts what thread ``ident`` uses: rolled back, closed, its place in the pool free. It will notice."""
        with self._lock:
            uses = list(self._by_thread.get(ident, ()))
        for use in uses:
            # Its user may be closing it just now. Whatever comes of that, nobody else waits for its place.
            with contextlib.suppress(SQLAlchemyError, sqlite3.Error, psycopg.Error):
                _cut(use.conn)
            self._end(ident, use)
            use.place.close()

    def _end(self, ident: int, use: _Use) -> None:
        with self._lock:
            mine = self._by_thread.get(ident, [])
            if use not in mine:
                return
            mine.remove(use)
            if not mine:
                self._by_thread.pop(ident, None)


def _cut(conn: Connection) -> None:
    driver: Any = conn.connection.driver_connection
    conn.detach()
    if conn.dialect.name == "sqlite":
        driver.interrupt()
        # What is closed while a statement is open goes on holding the file.
        driver.rollback()
    driver.close()
