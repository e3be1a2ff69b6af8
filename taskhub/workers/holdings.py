"""The rows this process holds, and those it owes back."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import timedelta

from taskhub.db import ledger
from taskhub.db.database import Database
from taskhub.db.ledger import Taken
from taskhub.failpoints import failpoint


class Holdings:
    """Thread-safe. A row is held from its taking until it has run; an owed row is given back uncounted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: dict[str, Taken] = {}
        self._forsaken: set[str] = set()
        self._owed: dict[str, tuple[Taken, timedelta | None]] = {}

    def add(self, rows: Iterable[Taken]) -> None:
        """These were taken."""
        with self._lock:
            self._held |= {_name(row): row for row in rows}

    def drop(self, row: Taken) -> None:
        """This one has run, or will not."""
        with self._lock:
            self._held.pop(_name(row), None)

    def forsake(self, row: Taken) -> None:
        """This one was given up: what its thread says of it later counts for nothing."""
        with self._lock:
            self._held.pop(_name(row), None)
            self._forsaken.add(_name(row))

    def forsaken(self, row: Taken) -> bool:
        """Whether it was given up."""
        return _name(row) in self._forsaken

    def owe(self, row: Taken, wait: timedelta | None = None) -> None:
        """``row`` goes back uncounted as soon as the database can be told; ``wait``: not to be taken for so long."""
        with self._lock:
            self._held.pop(_name(row), None)
            self._owed[_name(row)] = row, wait

    def rows(self) -> list[Taken]:
        """Everything held."""
        with self._lock:
            return list(self._held.values())

    def prolong(self) -> None:
        """Keeps everything held for another while."""
        if rows := self.rows():
            with self._database.begin(vital=True) as tx:
                ledger.prolong(tx.conn, rows, tx.after(ledger.HOLD))

    def pay(self) -> None:
        """Gives back what is owed."""
        with self._lock:
            owed = list(self._owed.values())
        if not owed:
            return
        with self._database.begin(vital=True) as tx:
            for row, wait in owed:
                failpoint("holdings.paying")
                ledger.give_back(tx.conn, [row], later=None if wait is None else tx.after(wait))
        with self._lock:
            failpoint("holdings.paid")
            for row, _ in owed:
                self._owed.pop(_name(row), None)


def _name(row: Taken) -> str:
    return f"{row.id}:{row.token}"
