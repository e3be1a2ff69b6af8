"""The page of metrics of one process. A look at the database is kept for a while, so that no scraper is a burden."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from taskhub import __version__
from taskhub.db.database import Database
from taskhub.errors import TaskhubError
from taskhub.metrics.scrape import queries, text
from taskhub.metrics.scrape.families import Sample

KEPT = 3.0
SHARE = 50  # a look is kept so many times as long as it took: looking takes at most 2 % of a connection's time

Gauges = Callable[[], Iterable[Sample]]


class Board:
    """``more`` are further gauges of the process, such as its worker's."""

    def __init__(self, database: Database, more: Sequence[Gauges] = ()) -> None:
        self._database = database
        self._more = (lambda: process(database), *more)
        self._looking = threading.Lock()
        self._seen: list[Sample] = []
        self._until = 0.0

    def page(self, *, house: bool = True) -> str:
        """The text. ``house`` False leaves out what the database says: another process shows it."""
        samples = [*(self._house() if house else ()), *(sample for gauges in self._more for sample in gauges())]
        tally = self._database.tally
        return text.page(samples, tally.counts(), tally.spreads())

    def _house(self) -> list[Sample]:
        """One caller looks; whoever comes meanwhile gets what was seen before."""
        if time.monotonic() < self._until or not self._looking.acquire(blocking=not self._seen):
            return self._seen
        try:
            if time.monotonic() >= self._until:
                self._look()
        finally:
            self._looking.release()
        return self._seen

    def _look(self) -> None:
        begun = time.monotonic()
        try:
            with self._database.read() as tx:
                seen = [Sample("taskhub_database_up", (), 1), *queries.house(tx)]
        except TaskhubError:
            # Yesterday's figures would look like a quiet house.
            self._seen, self._until = [Sample("taskhub_database_up", (), 0)], time.monotonic() + KEPT
            return
        took = time.monotonic() - begun
        self._seen = [*seen, Sample("taskhub_look_seconds", (), took)]
        self._until = time.monotonic() + max(KEPT, SHARE * took)


def process(database: Database) -> Iterable[Sample]:
    """What this process uses."""
    yield Sample("taskhub_info", (__version__,), 1)
    for name, busy, idle in database.connections():
        yield Sample("taskhub_db_connections", (name, "busy"), busy)
        yield Sample("taskhub_db_connections", (name, "idle"), idle)
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield Sample("process_cpu_seconds_total", (), used.ru_utime + used.ru_stime)
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  no path of ours
            pages = int(file.read().split()[1])
        yield Sample("process_resident_memory_bytes", (), pages * os.sysconf("SC_PAGE_SIZE"))
        yield Sample("process_open_fds", (), len(os.listdir("/proc/self/fd")))  # noqa: PTH208
    except OSError:
        return
