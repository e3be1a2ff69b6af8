"""One database: opens units of work, commits at the edge, rings the bell afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, NoResultFound, SQLAlchemyError

from taskhub.clock import Clock
from taskhub.db import engine, policy_set, witness
from taskhub.db.flow import Flow
from taskhub.db.history import Entry
from taskhub.db.interruption import Interrupted, interruption
from taskhub.db.line import Line, Place
from taskhub.db.opening import Opening, open_
from taskhub.db.patience import NoAnswer, Patience
from taskhub.db.steady import Steady
from taskhub.db.tx import SYSTEM, By, Tx, nobody_hears
from taskhub.db.uses import Uses
from taskhub.errors import TaskhubError
from taskhub.failpoints import failpoint
from taskhub.policy.policies import Policies
from taskhub.tally import Tally

Loader = Callable[[Mapping[str, str], Mapping[str, Any]], Policies]
Ring = Callable[[Sequence[int]], None]
Tell = Callable[[Sequence[tuple[str, str, str]]], None]
Identify = Callable[[Opening], By]
Hear = Callable[[Tx, Sequence[Entry]], None]

LINE_WAIT = 10.0
ACCEPTED = 16  # policy sets in memory: who looks back at old work needs old ones, and each activation makes one
VITAL = 2


def silent(_what: Sequence[Any]) -> None:
    """A bell that is never heard; the loop finds everything all the same."""


class Database:
    """Engines, the cache of accepted policy sets and the bell. Thread-safe; one per process.

    After each commit ``ring`` gets the ids of rows that are due, ``tell`` (noun, id, act) of everything that changed.
    ``clock`` replaces the one the database names: for tests. ``heard``, when set, gets each transaction's rows of
    history before they are written, and may emit.
    """

    def __init__(
        self, url: str, *, pool: int = 16, flow: Flow, loader: Loader, ring: Ring = silent, tell: Tell = silent,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.url = url
        self.pool = pool
        self.lite = engine.is_sqlite(url)
        self._patience = Patience()
        self.engine = engine.writer(url, pool, self._patience)
        self.readers = engine.reader(url, pool) or self.engine
        self.flow = flow
        self.ring = ring
        self.tell = tell
        self.clock = clock
        self.tally = Tally()
        self.heard: Hear = nobody_hears
        self._loader = loader
        self._accepted: dict[str, Policies] = {}
        self._instead: Policies | None = None
        self._vital = self.engine if self.lite else engine.writer(url, VITAL, self._patience)
        # SQLite has one writer: waiting in line here is fair and cheap, waiting inside SQLite is polling.
        self._line = Line() if self.lite else None
        self._uses = Uses()
        self._steady = Steady() if self.lite else None

    @contextmanager
    def begin(
        self, by: By | Identify = SYSTEM, *, act: str | None = None, key_id: str | None = None, write: bool = True,
        vital: bool = False, about: Mapping[str, Any] | None = None, snapshot: bool = False,
    ) -> Iterator[Tx]:  # fmt: skip
        """One transaction. Commits when the block ends, rolls back when it raises, then rings.

        ``by`` may be a function that judges the opening (authentication). ``vital``: what keeps work alive does not
        queue for a connection behind other work. ``about`` says in the log where it came from. ``snapshot``: all of it
        sees one moment.
        Raises Interrupted, an Unavailable: the database cannot do it now.
        """
        begun = time.perf_counter()
        with self._connection(write=write, vital=vital) as (conn, place):
            opening = _opened(conn, key_id, snapshot=snapshot)
            if self._steady is not None:
                opening = replace(opening, real_now=self._steady.at(opening.real_now))
            if self.clock is not None:
                opening = replace(opening, clock=self.clock)
            who = by(opening) if callable(by) else by
            policies = self._active(conn, opening.policy_hash)
            tx = Tx(
                conn, opening.now, opening.real_now, opening.clock, policies, who, self.flow,
                accepted=lambda hash_: self._accepted_set(conn, hash_), act_kind=act,
                aside=partial(_aside, conn, place, _changes(conn)), about=about or {}, heard=self.heard,
            )  # fmt: skip
            if not opening.periods:
                tx.lookups["periods"] = [None]
            failpoint("tx.opened")
            yield tx
            tx.flush()
            failpoint("tx.before_commit")
            _commit(conn)
            failpoint("tx.after_commit")
        if ids := tx.to_ring():
            self.ring(ids)
            failpoint("tx.rung")
        if tx.changed:
            self.tell(tx.changed)
        if write:
            witness.committed(tx, time.perf_counter() - begun, self.tally)

    @contextmanager
    def read(self, by: By | Identify = SYSTEM, *, key_id: str | None = None) -> Iterator[Tx]:
        """A look that never writes and, on SQLite, never waits for a writer."""
        with self.begin(by, key_id=key_id, write=False) as tx:
            yield tx

    @contextmanager
    def _connection(self, *, write: bool, vital: bool) -> Iterator[tuple[Connection, Place]]:
        place = Place(self._line if write else None)
        _wait(place, first=vital)
        chosen = self._vital if vital else self.engine if write else self.readers
        try:
            self._patience.check()
            with chosen.connect() as conn, self._uses.of(conn, place):
                yield conn, place
        except (SQLAlchemyError, NoAnswer) as error:
            cut = interruption(error)
            if cut is None:
                raise
            raise cut from error
        finally:
            place.close()

    def sever(self, thread: int) -> None:
        """Cuts what ``thread``, which hangs, is doing: rolled back, its connection closed, its place given on."""
        self._uses.sever(thread)

    def _active(self, conn: Connection, hash_: str | None) -> Policies:
        try:
            return self._policies(conn, hash_)
        except (NoResultFound, TaskhubError) as error:
            # Of another version perhaps: no work's fault, and whoever can read it will do the work.
            if self._instead is not None:
                return self._instead
            said = f"The active policies cannot be read here: {error}".partition("\n")[0]
            mend = "Mend the files and run `taskhub config apply DIR`, or start the version that wrote them."
            raise Interrupted(f"{said} {mend}", lost=True, retry_after=5) from error

    def _policies(self, conn: Connection, hash_: str | None) -> Policies:
        if hash_ is None:
            return Policies(hash="")
        known = self._accepted.get(hash_)
        if known is None:
            known = self._loader(*policy_set.texts(conn, hash_))
            for oldest in list(self._accepted)[: -(ACCEPTED - 1)]:
                self._accepted.pop(oldest, None)
            self._accepted[hash_] = known
        return known

    def _accepted_set(self, conn: Connection, hash_: str) -> Policies | None:
        try:
            return self._policies(conn, hash_)
        except (NoResultFound, TaskhubError):
            # Never accepted here, or in a form that this version no longer reads.
            return None

    def policies(self, tx: Tx, hash_: str) -> Policies:
        """An accepted set by its hash, also one no longer active."""
        return self._policies(tx.conn, hash_)

    @contextmanager
    def instead(self, set_: Policies) -> Iterator[None]:
        """Meanwhile transactions work with ``set_`` where the active one can no longer be read, to mend it."""
        self._instead = set_
        try:
            yield
        finally:
            self._instead = None

    def connections(self) -> Iterator[tuple[str, int, int]]:
        """(pool, busy, idle) of every pool."""
        pools = {"main": self.engine, "readers": self.readers, "vital": self._vital}
        names = {id(each): name for name, each in reversed(pools.items())}
        for each, name in sorted(((pools[name], name) for name in names.values()), key=lambda found: found[1]):
            pool: Any = each.pool
            yield name, pool.checkedout(), pool.checkedin()

    def close(self) -> None:
        """Closes every connection."""
        for each in (self.engine, self.readers, self._vital):
            each.dispose()


def _wait(place: Place, *, first: bool = False) -> None:
    if not place.take(LINE_WAIT, first=first):
        raise Interrupted("The database is busy with another writer. Try again.", lost=True, retry_after=2)


@contextmanager
def _aside(conn: Connection, place: Place, changes: int) -> Iterator[None]:
    """SQLite: other writers pass meanwhile, so what was read may have changed; not once this one has written."""
    if not place.waits or _changes(conn) != changes:
        yield
        return
    conn.commit()
    place.let_go()
    try:
        yield
    finally:
        _wait(place)


def _changes(conn: Connection) -> int:
    """Rows this connection has changed since it was made; 0 where nobody waits for it."""
    return int(getattr(conn.connection.dbapi_connection, "total_changes", 0))


def _commit(conn: Connection) -> None:
    """Commits. Of a commit that fails the toolkit takes the transaction for ended; SQLite may keep it and its lock."""
    try:
        conn.commit()
    except BaseException:
        conn.invalidate()
        raise


def _stand_still(conn: Connection) -> None:
    """Begins a transaction that sees one moment; on SQLite every one does."""
    if conn.dialect.name == "postgresql":
        conn.execution_options(isolation_level="REPEATABLE READ")
        conn.exec_driver_sql("SELECT 1")  # begins it: what travels with BEGIN elsewhere asks for less


def _opened(conn: Connection, key_id: str | None, *, snapshot: bool) -> Opening:
    """The opening; on a second connection when the pooled one turns out to be dead, as all are after a restart."""
    try:
        if snapshot:
            _stand_still(conn)
        return open_(conn, key_id)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        conn.rollback()
        if snapshot:
            _stand_still(conn)
        return open_(conn, key_id)
