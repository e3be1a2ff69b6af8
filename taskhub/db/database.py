"""One database: opens units of work, commits at the edge, rings the bell afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError, TimeoutError as PoolTimeout

from taskhub.db import engine, policy_set
from taskhub.db.flow import Flow
from taskhub.db.opening import Opening, open_
from taskhub.db.tx import SYSTEM, By, Tx
from taskhub.errors import Unavailable
from taskhub.policy.policies import Policies

Loader = Callable[[Mapping[str, str], Mapping[str, Any]], Policies]
Ring = Callable[[Sequence[int]], None]
Identify = Callable[[Opening], By]


def silent(_ids: Sequence[int]) -> None:
    """A bell that is never heard; the loop finds everything all the same."""


class Database:
    """Engines, the cache of accepted policy sets and the bell. Thread-safe; one per process."""

    def __init__(self, url: str, *, pool: int = 16, flow: Flow, loader: Loader, ring: Ring = silent) -> None:
        self.url = url
        self.pool = pool
        self.lite = engine.is_sqlite(url)
        self.engine = engine.writer(url, pool)
        self.readers = engine.reader(url) or self.engine
        self.flow = flow
        self.ring = ring
        self._loader = loader
        self._accepted: dict[str, Policies] = {}
        # SQLite has one writer: waiting in line here is fair and cheap, waiting inside SQLite is polling.
        self._line = threading.Lock() if self.lite else None

    @contextmanager
    def begin(
        self, by: By | Identify = SYSTEM, *, act: str | None = None, key_id: str | None = None, write: bool = True
    ) -> Iterator[Tx]:
        """One transaction. Commits when the block ends, rolls back when it raises, then rings.

        ``by`` may be a function that judges the opening (authentication). Raises Unavailable when no connection is free.
        """
        with self._connection(write=write) as conn:
            opening = open_(conn, key_id)
            who = by(opening) if callable(by) else by
            tx = Tx(
                conn, opening.now, opening.real_now, opening.clock, self._policies(conn, opening.policy_hash), who, self.flow,
                act_kind=act,
            )  # fmt: skip
            yield tx
            tx.flush()
            conn.commit()
        if tx.ring:
            self.ring(tx.ring)

    @contextmanager
    def read(self, by: By | Identify = SYSTEM, *, key_id: str | None = None) -> Iterator[Tx]:
        """A look that never writes and, on SQLite, never waits for a writer."""
        with self.begin(by, key_id=key_id, write=False) as tx:
            yield tx

    @contextmanager
    def _connection(self, *, write: bool) -> Iterator[Connection]:
        line = self._line if write else None
        if line is not None and not line.acquire(timeout=60):
            raise Unavailable("The database is busy with another writer. Try again.", retry_after=2)
        try:
            with (self.engine if write else self.readers).connect() as conn:
                yield conn
        except PoolTimeout as error:
            raise Unavailable("Every database connection is in use. Try again.", retry_after=1) from error
        finally:
            if line is not None:
                line.release()

    def _policies(self, conn: Connection, hash_: str | None) -> Policies:
        if hash_ is None:
            return Policies(hash="")
        known = self._accepted.get(hash_)
        if known is None:
            known = self._accepted[hash_] = self._loader(*policy_set.texts(conn, hash_))
        return known

    def policies(self, tx: Tx, hash_: str) -> Policies:
        """An accepted set by its hash, also one no longer active."""
        return self._policies(tx.conn, hash_)

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()
        self.readers.dispose()


TRANSIENT = (OperationalError,)
