"""One worker process: loop, actor, crews, pulse and calendar jobs, put together and stopped in order."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Self

from taskhub.bell import Bell
from taskhub.db.database import Database
from taskhub.db.handler import GapHook, Handlers
from taskhub.db.interruption import Interrupted
from taskhub.db.ledger import Taken
from taskhub.failpoints import failpoint
from taskhub.metrics.scrape.families import Sample
from taskhub.workers.convoys import convoys, members
from taskhub.workers.crew import Crew
from taskhub.workers.gate import Gate
from taskhub.workers.holdings import Holdings
from taskhub.workers.jobs import Job, Ticker
from taskhub.workers.listener import Listener
from taskhub.workers.looker import Looker
from taskhub.workers.pulse import Pulse
from taskhub.workers.runner import Runner
from taskhub.workers.taker import Taker
from taskhub.workers.watch import Overdue, Watch

GRACE = 6.0
HURRY = 1.5  # for what is only closed
AHEAD = 8  # rows in hand per thread
WORN = 8  # threads that hang; a process with more of them ends, so that a fresh one takes its place

log = logging.getLogger(__name__)


class Worker:
    """Runs the rows of the ledger until it is stopped. Needs ``threads`` + ``outside_threads`` + 4 connections at most.

    ``bell`` None: everything is found by the loop, at once. ``outside_threads`` run the work between two transactions,
    so that an endpoint that hangs cannot hold up the rest.
    """

    def __init__(
        self, database: Database, handlers: Handlers, bell: Bell | None = None, *, threads: int = 8,
        outside_threads: int = 4, jobs: Sequence[Job] = (), on_gap: Sequence[GapHook] = (),
    ) -> None:  # fmt: skip
        self._database = database
        self._holdings = Holdings(database)
        self._pulse = Pulse(database, self._holdings, on_gap)
        self._gate = Gate()
        self._runner = Runner(database, handlers, self._holdings, random.Random())  # noqa: S311
        self._watch = Watch(handlers, self._give_up)
        self._taker = Taker(database, self._room, self._place)
        self._looker = Looker(
            database, self._holdings, self._pulse, self._gate, self._taker.wake, rung=bell is not None
        )  # fmt: skip
        self._inside = Crew(
            "inside", threads, self._run, self._relieved, self._let_go, lambda rows: convoys(rows, handlers)
        )
        self._single = Crew(
            "single", 1, self._run, self._looker.wake, self._let_go
        )  # waits for no slot: it begins at once
        self._outside = Crew("outside", outside_threads, self._run, self._looker.wake, self._let_go)
        self._last = Crew(
            "last", 1, self._run_now, self._looker.wake, self._let_go
        )  # runs while the gate is closed for the others
        self._ticker = Ticker(database, jobs, lambda: self._pulse.fresh)
        self._listener = Listener(bell, self._taker.hear) if bell is not None else None
        self._stopping = False
        self._stop_lock = threading.Lock()

    def start(self) -> Self:
        """Starts every thread. The database and Redis may be away."""
        self._pulse.start()
        self._watch.start()
        for crew in self._crews:
            crew.start()
        self._looker.start(*self._crews)
        self._ticker.start()
        if self._listener is not None:
            self._taker.start()
            self._listener.start()
        return self

    def stop(self, grace: float = GRACE) -> bool:
        """Finishes the rows that run, gives the others back uncounted; those that still run after ``grace`` too.

        False when there were such. May be called again, from any thread. Takes 3 seconds longer at most.
        """
        end = time.monotonic() + grace

        def left() -> float:
            return end - time.monotonic()

        self._stopping = True
        with self._stop_lock:
            self._ticker.stop()
            deaf = self._deafen()
            self._looker.stop(max(0.0, left()))
            self._taker.stop(max(0.0, left()))
            ended = [crew.stop(left) for crew in self._crews]
            self._watch.stop()
            failpoint("worker.stopping")
            self._return_rest()
            deaf.join(HURRY)
            self._pulse.stop(HURRY)
        return all(ended)

    def _deafen(self) -> threading.Thread:
        """Ends the listener meanwhile: Redis may take its time."""
        thread = threading.Thread(target=self._listener.stop if self._listener else lambda: None, daemon=True)
        thread.start()
        return thread

    def _return_rest(self) -> None:
        for ident, row in self._watch.running():
            log.warning("row %d (%s) still runs; it is given back and will run again", row.id, row.handler)
            for one in members(row):
                self._holdings.forsake(one)
            self._database.sever(ident)
            self._owe(members(row))
        try:
            self._holdings.pay()
        except Interrupted as cut:
            log.warning("rows could not be given back; they are taken again when their hold ends: %s", cut.message)

    @property
    def healthy(self) -> bool:
        """Whether the database was reached a moment ago, and every thread is there."""
        return self._pulse.fresh and not self._stopping and not self.ended

    @property
    def worn(self) -> bool:
        """Whether so many threads hang, or are gone, that a fresh process should take over."""
        return self._hung >= WORN or bool(self.ended)

    @property
    def ended(self) -> list[str]:
        """The names of threads that are gone though nobody stopped them: none, whatever their work raises."""
        if self._stopping:
            return []
        lone = {
            "looker": self._looker.ended, "taker": self._taker.ended, "watch": self._watch.ended,
            "pulse": self._pulse.ended, "listener": self._listener is not None and self._listener.ended,
        }  # fmt: skip
        return [name for name, ended in lone.items() if ended] + [name for crew in self._crews for name in crew.ended]

    @property
    def _hung(self) -> int:
        return sum(crew.given_up for crew in self._crews)

    @property
    def _crews(self) -> tuple[Crew, Crew, Crew, Crew]:
        return self._inside, self._single, self._outside, self._last

    def gauges(self) -> Iterator[Sample]:
        """What this worker has in hand, for the metrics."""
        for crew in self._crews:
            yield Sample("taskhub_worker_rows", (crew.name,), crew.unfinished)
        yield Sample("taskhub_worker_hung_threads", (), self._hung)
        yield Sample("taskhub_worker_pulse_age_seconds", (), self._pulse.age)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, row: Taken) -> None:
        with self._gate.among_others():
            self._run_now(row)

    def _run_now(self, row: Taken) -> None:
        if self._idle():
            self._owe(members(row))
            return
        with self._watch.over(row):
            left = self._runner.run(row)
        if self._idle():
            self._owe(left)
        else:
            # Each with a time of its own: one that hangs must cost its neighbours no try.
            self._inside.submit_each(left)

    def _idle(self) -> bool:
        """Whether nothing may be begun."""
        return self._stopping or not self._pulse.fresh

    def _owe(self, rows: Sequence[Taken]) -> None:
        for row in rows:
            self._holdings.owe(row)

    def _let_go(self, row: Taken) -> None:
        """Nobody works on it any more: its hold runs out, and it is tried again."""
        for one in members(row):
            self._holdings.drop(one)

    def _give_up(self, row: Taken, ident: int, why: Overdue) -> None:
        """Thread ``ident`` hangs with ``row``: its transaction is cut, its place filled, the try counted as failed.

        Of rows that ran as one nobody knows which it was: each had its try, and from the next on runs by itself.
        """
        for one in members(row):
            self._holdings.forsake(one)
        try:
            self._database.sever(ident)
            for one in members(row):
                self._runner.failed(one, why)
        finally:
            self._gate.forget(ident)
            any(crew.replace(ident) for crew in self._crews)

    def _relieved(self) -> None:
        self._looker.relieved()
        self._taker.wake()

    def _room(self) -> int:
        """How many rung rows may be taken; none while nothing may run, or the loop is behind: it finds them later."""
        if self._idle() or self._looker.behind:
            return 0
        return max(0, AHEAD * self._inside.size - self._inside.unfinished)

    def _place(self, rows: Sequence[Taken]) -> None:
        self._holdings.add(rows)
        self._inside.submit([row for row in rows if row.mode != "outside"])
        for row in rows:
            if row.mode != "outside":
                continue
            if self._outside.unfinished < self._outside.size and not self._looker.lonely:
                self._outside.submit([row])
            else:
                self._holdings.owe(row)
