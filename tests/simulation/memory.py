"""A database in memory whose clock, losses and deaths belong to the simulation; one connection, one thread."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import event

from taskhub.db import engine
from taskhub.db.database import Database
from taskhub.db.tables import metadata
from taskhub.db.types import text_of
from taskhub.flow import FLOW
from taskhub.policy.policies import Policies


class Died(BaseException):
    """The process ended here: nothing after this runs, what was not committed is gone."""


class Lasting(sqlite3.Connection):
    """Stays open when the pool gives it up, as it does after a death: with it everything in memory would go."""

    def close(self) -> None:
        """Only rolls back."""
        self.rollback()


class Fate:
    """Counts statements; at a statement of the scheduler's choice the process dies, or the statement fails."""

    def __init__(self) -> None:
        self.statements, self.deaths, self.struck = 0, 0, False
        self._left = -1
        self._end: BaseException | None = None

    def strike(self, after: int, end: BaseException) -> None:
        """``end`` is raised at the ``after``-th statement from now, or at a failpoint passed then."""
        self._left, self._end = after, end

    def spare(self) -> bool:
        """Nothing more happens; whether it has not happened yet."""
        end, self._left, self._end = self._end, -1, None
        return end is not None

    def step(self, *_: Any) -> None:
        """A statement is about to run, or a transaction about to commit."""
        self.statements += 1
        if self._end is None:
            return
        self._left -= 1
        if self._left <= 0:
            end, self._end, self.struck = self._end, None, True
            self.deaths += isinstance(end, Died)
            raise end


class Memory:
    """The one connection of this process, its engine and what of its statements was compiled; reset for each seed."""

    def __init__(self, real_now: Callable[[], datetime]) -> None:
        self.fate = Fate()
        self.raw = sqlite3.connect(
            ":memory:", factory=Lasting, isolation_level=None, check_same_thread=False, cached_statements=2_000
        )
        # The first statement of every transaction asks the database for the time; this is the database's clock.
        self.raw.create_function("strftime", -1, lambda *_: text_of(real_now()))
        self._engine = engine.of_one(lambda: self.raw)
        self._runs = 0
        event.listen(self._engine, "before_cursor_execute", self.fate.step)
        event.listen(self._engine, "commit", self.fate.step)

    def make_tables(self) -> None:
        """The tables as the page has them."""
        with self._engine.begin() as conn:
            metadata.create_all(conn)

    def picture(self) -> sqlite3.Connection:
        """Everything, to start another run from: a copy in memory of its own."""
        copy = sqlite3.connect(":memory:")
        self.raw.backup(copy)
        return copy

    def contents(self) -> Iterator[str]:
        """Every row of every table: two runs that did the same have the same."""
        for name, table in sorted(metadata.tables.items()):
            yield name
            rows = table.dialect_options["sqlite"]["with_rowid"]
            order = "rowid" if rows else ", ".join(column.name for column in table.primary_key)
            yield from map(repr, self.raw.execute(f'select * from "{name}" order by {order}'))

    def bury(self) -> None:
        """After a death: statements it left half read would hold up the next commit, until chance collects them."""
        if self.fate.struck:
            gc.collect()
            self.fate.struck = False

    def reset(self, picture: sqlite3.Connection) -> None:
        """Everything as it was."""
        self.raw.rollback()
        gc.collect()  # a statement left half read would hold the tables
        picture.backup(self.raw)

    def database(self, loader: Callable[[Mapping[str, str], Mapping[str, Any]], Policies], **more: Any) -> OneDatabase:
        """A database over the connection; what earlier ones of this process remember of theirs, it does not."""
        self._runs += 1
        return OneDatabase(self._engine.execution_options(run=self._runs), loader, **more)


class OneDatabase(Database):
    """Writers, readers and vital work share the connection: nothing runs at the same time here."""

    def __init__(self, one: Any, loader: Any, **more: Any) -> None:
        super().__init__("sqlite://", pool=1, flow=FLOW, loader=loader, **more)
        self.engine = self.readers = self._vital = one
        # Steps back of the clock are looked at as PostgreSQL meets them: SQLite refuses to work until it has caught up.
        self._steady = None
