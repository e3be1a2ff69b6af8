"""taskhub's processes: ``serve`` joins API, worker and calendar jobs; ``api`` and ``work`` are its two halves."""

from __future__ import annotations

import datetime as dt
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType
from typing import Self

import uvicorn

from taskhub import bootstrap
from taskhub.acts import crm_given_up, months
from taskhub.acts.forget import forget
from taskhub.api import api as api_app
from taskhub.assignment import passes, pool_states
from taskhub.bell import Bell
from taskhub.connectors.looking import health
from taskhub.connectors.looking import service as looking
from taskhub.db.database import Database
from taskhub.db.tx import Tx
from taskhub.errors import Unavailable
from taskhub.escalation import gaps
from taskhub.escalation.notifications import channels
from taskhub.events.intake import Intake
from taskhub.flow import HANDLERS
from taskhub.http.state import AppState, Check
from taskhub.http.wire import Guarded
from taskhub.metrics.scrape.board import Board, Gauges
from taskhub.sales.search import filling
from taskhub.settings import Keep, Settings
from taskhub.workers import Job, Worker, daily, every, run_until_stopped
from taskhub.workers.sealing import SEALING
from taskhub.workers.window import Window

SIGNALS = (signal.SIGTERM, signal.SIGINT)
OUTSIDE_THREADS = 4
BESIDES = 4  # the loop, a row that was tried before, one on its last try, a calendar job
STREAMS_END_IN = 3
START_WITHIN = 20.0
SIBLINGS = 255
MINUTE = dt.timedelta(minutes=1)
JOBS = (
    Job("coverage.gaps", daily(dt.time(6), dt.UTC), gaps.tell),
    # The net: whatever was missed is found within a minute.
    Job("assignment.net", every(MINUTE), passes.everything),
    Job("assignment.pools", every(MINUTE), pool_states.everything),
    # When, each connection says; asked every minute, so that after a standstill nobody waits.
    Job("connections.look", every(MINUTE), looking.ask),
    Job("connections.given_up", every(MINUTE), crm_given_up.find),
    Job("connections.webhooks", daily(dt.time(5), dt.UTC), health.ask),
    Job("rules.months", every(MINUTE), months.fire),
    Job("search.fill", every(MINUTE), filling.fill),
    SEALING,
)

Tell = Callable[[str], None]


class Web(uvicorn.Server):
    """The HTTP server. The first signal ends live streams and then everything; the process ends with 0.

    ``greet`` is called once signals are heard and the door is open, not before: who reads it may act on it.
    """

    def __init__(self, state: AppState, greet: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                api_app(state), http=Guarded, access_log=False, log_config=None, server_header=False, lifespan="on",
                timeout_graceful_shutdown=STREAMS_END_IN,
            )
        )  # fmt: skip
        self.state = state
        self.greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets)
        self.greet()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own, does not raise the signal again at the end: an orderly end is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Streams look at ``stopping``; without it they would hold the server until its patience ends."""
        self.state.stopping.set()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """The same from another thread."""
        self.state.stopping.set()
        self.should_exit = True


class Site:
    """API, worker and calendar jobs over one database. Inside the context the worker runs; ``run`` serves."""

    def __init__(self, chosen: Settings, db: Database, bell: Bell) -> None:
        # SQLite has one line of writers per Database: two of them would poll against each other.
        self._own = None if db.lite else bootstrap.database(_roomy(chosen), bell)
        if self._own is not None:
            self._own.tally = db.tally
        self.worker = worker_of(chosen, self._own or db, bell)
        self.web = Web(_state(chosen, db, bell, checks={"worker": self._unwell}, gauges=(self.worker.gauges,)))
        self._thread: threading.Thread | None = None
        self._ending = threading.Thread(target=self._end_together, name="ending", daemon=True)

    def __enter__(self) -> Self:
        self.worker.start()
        self._ending.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.end()
        if self._thread is not None:
            self._thread.join(2 * STREAMS_END_IN)
        self.worker.stop()
        if self._own is not None:
            self._own.close()

    def run(self, door: socket.socket) -> None:
        """Serves in this thread until SIGTERM or SIGINT."""
        self.web.run(sockets=[door])

    def begin(self, door: socket.socket) -> None:
        """Serves from a thread of its own, until the context ends."""
        self._thread = threading.Thread(target=self.run, args=(door,), name="web", daemon=True)
        self._thread.start()
        patience = time.monotonic() + START_WITHIN
        while not self.web.started:
            if time.monotonic() > patience or not self._thread.is_alive():
                raise Unavailable("The HTTP server did not start; the log says why.")
            time.sleep(0.02)

    def _end_together(self) -> None:
        """The worker drains while calls and streams end, not after them."""
        self.web.state.stopping.wait()
        self.worker.stop()

    def _unwell(self) -> str | None:
        if ended := self.worker.ended:
            return f"threads of the worker have ended ({', '.join(ended)}): restart it"
        return None if self.worker.healthy else "the worker has not reached the database for a moment"


def worker_of(chosen: Settings, db: Database, bell: Bell) -> Worker:
    """The worker of these settings; after a gap in the sweeps leases get a new term before any is reaped."""
    channels.warn()
    return Worker(
        db, HANDLERS, bell, threads=chosen.threads, outside_threads=OUTSIDE_THREADS, on_gap=(bootstrap.new_terms,),
        jobs=(*JOBS, retention(chosen.keep)),
    )  # fmt: skip


def retention(keep: Keep) -> Job:
    """The calendar job that forgets what nobody works with any more."""

    def run(tx: Tx) -> bool:
        return forget(tx, keep)[1]

    return Job("retention", every(10 * MINUTE), run)


def _state(
    chosen: Settings, db: Database, bell: Bell, *, checks: Mapping[str, Check] | None = None,
    gauges: Sequence[Gauges] = (),
) -> AppState:  # fmt: skip
    intake = Intake(chosen.inbox, chosen.inbox_of_source)
    return AppState(db, checks=checks or {}, cautions={"redis": bell.problem}, intake=intake, gauges=gauges)


@contextmanager
def leaving_in_order() -> Iterator[None]:
    """A signal that comes before anything serves ends the start with 0 and closes what is open."""
    before = {number: signal.signal(number, _leave) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


@contextmanager
def house(chosen: Settings) -> Iterator[tuple[Database, Bell]]:
    """A database with its tables and an active policy set, and the bell; closed at the end."""
    bootstrap.make_tables(chosen)
    bell = Bell(chosen.redis_url)
    db = bootstrap.database(chosen, bell)
    try:
        bootstrap.make_policies(db, chosen.config)
        yield db, bell
    finally:
        bell.close()
        db.close()


def serve(chosen: Settings, host: str, port: int, tell: Tell, hint: Callable[[Database], str | None]) -> None:
    """API, worker and calendar jobs in this process until SIGTERM or SIGINT. ``hint`` says what is still missing."""
    door = listen(host, port)
    with leaving_in_order(), house(chosen) as (db, bell), Site(chosen, db, bell) as site:

        def greet() -> None:
            tell(f"taskhub serves {address(door)} (API: {address(door)}/docs, database: {shown(chosen)})")
            if (missing := hint(db)) is not None:
                tell(missing)

        site.web.greet = greet
        with lasting():
            site.run(door)
    tell("taskhub has ended.")


def api(chosen: Settings, host: str, port: int, tell: Tell) -> None:
    """The API alone; any number of these processes may run beside each other."""
    door = listen(host, port)
    with leaving_in_order(), house(chosen) as (db, bell):
        said = f"taskhub's API serves {address(door)} (database: {shown(chosen)})"
        web = Web(_state(chosen, db, bell), lambda: tell(said))
        with lasting():
            web.run(sockets=[door])
    tell("taskhub's API has ended.")


def work(chosen: Settings, tell: Tell) -> int:
    """One worker process; any number may run, on any host. Returns the exit code."""
    with leaving_in_order(), house(_roomy(chosen)) as (db, bell), ExitStack() as beside:
        worker = worker_of(chosen, db, bell)
        said = f"A worker with {chosen.threads} threads runs (database: {shown(chosen)})"
        if chosen.metrics_port is not None:
            # Each process of a host takes the next port that is free.
            door = listen(chosen.metrics_host, chosen.metrics_port, further=SIBLINGS)
            beside.enter_context(Window(door, Board(db, (worker.gauges,)), lambda: worker.healthy))
            said = f"{said}; metrics: {address(door)}/metrics"
        tell(said)
        with lasting():
            return run_until_stopped(worker)


@contextmanager
def lasting() -> Iterator[None]:
    """What is there now is the program, and stays: the collector no longer looks through it.

    It would, up to twice a minute under load, for a fifth of a second in which this process serves nobody.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def listen(host: str, port: int, *, further: int = 0) -> socket.socket:
    """A listening socket on ``port``, or on one of the ``further`` next. Raises Unavailable when all are taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in range(port, min(port + further, 65_535) + 1):
        try:
            return socket.create_server((host, number), family=family, backlog=2048)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
    raise Unavailable(f"Cannot listen on {host} port {port}: {reason}. Choose another with --port.")


def address(door: socket.socket) -> str:
    """Where people reach this socket."""
    host, port = door.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"


def shown(chosen: Settings) -> str:
    """The database's address without what stands before the host: that may hold a password."""
    scheme, mark, rest = chosen.url.partition("://")
    return scheme + mark + rest.rpartition("@")[2].partition("?")[0]


def _roomy(chosen: Settings) -> Settings:
    return replace(chosen, pool=chosen.threads + OUTSIDE_THREADS + BESIDES)
