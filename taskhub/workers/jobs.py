"""Calendar jobs: which is due is a pure question; each firing is a row, so any number of processes may ask it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from apscheduler.schedulers.background import BackgroundScheduler

from taskhub.clock import real_now
from taskhub.db import sweep
from taskhub.db.database import Database
from taskhub.db.interruption import Interrupted
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)

Slot = Callable[[datetime], datetime]


@dataclass(frozen=True, slots=True)
class Job:
    """``slot(now)`` is the newest instant at or before ``now`` for which ``run`` should have run."""

    name: str
    slot: Slot
    run: Callable[[Tx], None]


def every(step: timedelta) -> Slot:
    """Each multiple of ``step`` since 1970.

    >>> every(timedelta(minutes=10))(datetime(2026, 3, 1, 9, 27, tzinfo=UTC)).isoformat()
    '2026-03-01T09:20:00+00:00'
    """
    return lambda now: now - (now - EPOCH) % step


def daily(at: time, zone: tzinfo) -> Slot:
    """Each local date at ``at``: a time that does not exist is moved forward, one that exists twice is its first.

    >>> daily(time(6), UTC)(datetime(2026, 3, 1, 5, tzinfo=UTC)).isoformat()
    '2026-02-28T06:00:00+00:00'
    """

    def slot(now: datetime) -> datetime:
        today = now.astimezone(zone).date()
        days = (today - timedelta(days=back) for back in range(3))
        instants = (datetime.combine(day, at, zone).astimezone(UTC) for day in days)
        return max(instant for instant in instants if instant <= now)

    return slot


def due_jobs(jobs: Sequence[Job], last_fired: Mapping[str, datetime], now: datetime) -> Iterator[tuple[Job, datetime]]:
    """The jobs whose newest slot has not fired, each once however many slots were missed."""
    for job in jobs:
        slot, last = job.slot(now), last_fired.get(job.name)
        if last is None or slot > last:
            yield job, slot


class Ticker:
    """APScheduler as nothing but a tick: once a minute, in every worker."""

    def __init__(self, database: Database, jobs: Sequence[Job], ready: Callable[[], bool]) -> None:
        self._database = database
        self._jobs = jobs
        self._ready = ready
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = BackgroundScheduler(job_defaults=defaults, timezone=UTC, daemon=True)

    def start(self) -> None:
        """Ticks now and each minute."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler.add_job(self.tick, "interval", minutes=1, next_run_time=real_now())
        self._scheduler.start()

    def stop(self) -> None:
        """No further tick."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def tick(self) -> None:
        """Runs what is due; one job that fails is tried again at the next tick and does not keep the others."""
        if not self._ready():
            return
        try:
            with self._database.read() as tx:
                due = list(due_jobs(self._jobs, sweep.last_fired(tx.conn), tx.now))
        except Interrupted:
            return
        for job, slot in due:
            self._fire(job, slot)

    def _fire(self, job: Job, slot: datetime) -> None:
        try:
            with self._database.begin() as tx:
                if sweep.fire(tx.conn, job.name, slot, tx.now):
                    failpoint("jobs.claimed")
                    job.run(tx)
                    failpoint("jobs.ran")
        except Interrupted as cut:
            log.info("job %s waits for the next tick: %s", job.name, cut.message)
        except Exception:
            log.exception("job %s failed; it is tried again at the next tick", job.name)
