"""A PostgreSQL connection that takes several statements in one trip.

The driver sends each statement on its own and waits for its answer, and so does BEGIN, and COMMIT. A short transaction
is mostly such trips. Here BEGIN travels with the first statement, what gives no answer anybody waits for travels with
the next, and the last ones with COMMIT. Whatever else uses the connection sends what is held back first, so the order
of statements is the order of calls.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import adapt, pq
from psycopg.errors import error_from_result

from taskhub.db.patience import Patient

BEGIN, COMMIT = b"BEGIN ISOLATION LEVEL READ COMMITTED", b"COMMIT"
LOOK_MS = 100
_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


@dataclass(slots=True)
class Call:
    """A statement in the server's own form with its parameters; ``rows`` once it was answered."""

    text: bytes
    given: Sequence[Any]
    rows: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Prepared:
    """A statement this connection knows."""

    name: bytes
    reader: Any  # reads its columns


class Direct(Patient):
    """For one thread at a time, as every connection; ``close`` may come from another."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._plans: dict[bytes, _Prepared] = {}
        self._prepared_so_far = 0
        self._held_back: list[Call] = []

    def hold(self, call: Call) -> None:
        """Sends ``call`` with whatever is sent next, at the latest with the commit; its failure appears there."""
        self._held_back.append(call)

    def wait(self, gen: Any, *args: Any, **named: Any) -> Any:
        """As the driver's, after what is held back."""
        if self._held_back:
            self.send()
        return super().wait(gen, *args, **named)

    def rollback(self) -> None:
        """As the driver's. What is held back was never sent."""
        self._held_back.clear()
        super().rollback()

    def commit(self) -> None:
        """As the driver's, in one trip with what is held back."""
        if self._held_back:
            self.send(commit=True)
        super().commit()

    def _deallocate(self, name: bytes | None) -> Any:
        # After a rollback the driver has the server forget its statements: all of them, ours too.
        if name is None:
            self._plans.clear()
        return super()._deallocate(name)

    def send(self, *calls: Call, commit: bool = False) -> None:
        """What is held back, then ``calls``, then COMMIT: one trip. Raises the first failure; the rest was not run."""
        every = [*self._held_back, *calls]
        # What cannot be sent fails before anything is forgotten: what was held back still goes with the commit.
        packed = [[_packed(value) for value in call.given] for call in every]
        self._held_back = []
        try:
            self.pgconn.enter_pipeline_mode()
            asked = self._ask(every, packed, commit=commit)
            answers = self._answers()
            self.pgconn.exit_pipeline_mode()
        except BaseException:
            # Who knows what is still under way on it.
            self.close()
            raise
        self._read(asked, answers)

    def _ask(self, calls: Sequence[Call], packed: Sequence[Any], *, commit: bool) -> list[Call | None]:
        """Sends all of it. Returns whose the answers are, in order; None: nobody's."""
        pgconn, asked = self.pgconn, list[Call | None]()
        if pgconn.transaction_status == pq.TransactionStatus.IDLE:
            pgconn.send_query_params(BEGIN, None)
            asked.append(None)
        for call, values in zip(calls, packed, strict=True):
            known = self._plans.get(call.text)
            if known is None:
                known = self._prepare(call.text)
                asked.append(None)
            pgconn.send_query_prepared(known.name, values)
            asked.append(call)
        if commit:
            pgconn.send_query_params(COMMIT, None)
            asked.append(None)
        pgconn.pipeline_sync()
        while pgconn.flush():
            if self._ready(select.POLLIN | select.POLLOUT) & select.POLLIN:
                pgconn.consume_input()
        return asked

    def _prepare(self, text: bytes) -> _Prepared:
        # A name is never used twice: whether the server took it shows only with the answers.
        self._prepared_so_far += 1
        # It reads as this connection does without knowing it: who is renewed must not go in circles with its readers.
        reader = adapt.Transformer(self.adapters)
        known = self._plans[text] = _Prepared(b"th%d" % self._prepared_so_far, reader)
        self.pgconn.send_prepare(known.name, text)
        return known

    def _answers(self) -> list[pq.abc.PGresult]:
        pgconn, found = self.pgconn, list[pq.abc.PGresult]()
        while True:
            while pgconn.is_busy():
                self._ready(select.POLLIN)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                if pgconn.status == pq.ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection to the database was lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)

    def _ready(self, events: int) -> int:
        """What of ``events`` came. Raises NoAnswer as every wait does."""
        poll, since = select.poll(), 0.0
        poll.register(self.pgconn.socket, events)
        while not (found := poll.poll(LOOK_MS)):
            since = since or time.monotonic()
            self._judge(time.monotonic() - since)
        return found[0][1]

    def _read(self, asked: Sequence[Call | None], answers: Sequence[pq.abc.PGresult]) -> None:
        for call, result in zip(asked, answers, strict=True):
            if result.status == pq.ExecStatus.TUPLES_OK and call is not None:
                call.rows = self._rows(self._plans[call.text], result)
            elif result.status not in _DONE:
                # A plan may have died with the tables it was made for: whoever tries again prepares anew.
                for each in filter(None, asked):
                    self._plans.pop(each.text, None)
                raise error_from_result(result)

    @staticmethod
    def _rows(known: _Prepared, result: pq.abc.PGresult) -> list[Any]:
        reader = known.reader
        reader.set_pgresult(result)
        found: list[Any] = reader.load_rows(0, result.ntuples, tuple)
        reader.set_pgresult(None)
        return found


def _packed(value: Any) -> bytes | None:
    """A parameter as text; the statement names its type."""
    if value is None:
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
        return value.encode()
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int | float):
        return repr(value).encode()
    if isinstance(value, datetime):
        return value.isoformat().encode()
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    raise TypeError(f"{type(value).__name__} is no parameter of a statement")
