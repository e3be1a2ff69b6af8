"""SLA clocks that fall due, 150 a second among 100,000: how late they are on record, and whether any is early or twice.

Every other one is a warning, the others are breaches, each with a step of a ladder that falls due at the same moment
and raises a priority. Late means the instant of the commit after the due instant, as PostgreSQL keeps both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from sqlalchemy import Row, text

from benchmarks import outage, processes, sizes, world
from benchmarks.claims import SETTINGS
from benchmarks.processes import Child
from benchmarks.table import Figure
from taskhub.tasks import making
from taskhub.tasks.model import NewTask
from tests.servers import Server, start_postgres, start_redis

LEAD = 3.0
PATIENCE = 180.0
COMMITS = {"track_commit_timestamp": "on"}


@dataclass(frozen=True)
class Size:
    """Clocks in all, how many fall due in a second, for how many seconds, and for how long PostgreSQL is away."""

    armed: int
    rate: int
    seconds: float
    away: float

    @property
    def falling(self) -> int:
        """How many fall due in one run."""
        return int(self.rate * self.seconds)


def size() -> Size:
    """150 a second for a minute among 100,000."""
    return sizes.of(Size(100_000, 150, 60, 60), Size(2_000, 50, 4, 4))


def run() -> list[Figure]:
    """One worker, two workers, Redis away, PostgreSQL away."""
    one = size()
    with start_postgres(durable=True, settings=SETTINGS | COMMITS) as postgres, start_redis() as redis:
        clocks = Clocks(world.new_database(postgres.url, "ours"), one)
        clocks.load()
        with clocks.workers(1, redis) as crew:
            figures = clocks.fired("1 worker", crew)
        with clocks.workers(2, redis) as crew:
            figures += clocks.fired("2 workers", crew)
        with clocks.workers(1, redis) as crew, outage.killed(redis):
            figures += clocks.fired("1 worker, Redis away", crew)
        with clocks.workers(1, redis) as crew:
            figures += clocks.overdue(postgres, crew)
    return figures


class Clocks:
    """A house full of promises; each run lets the next of them fall due."""

    def __init__(self, url: str, wanted: Size) -> None:
        self.url, self.size = url, wanted
        self.begun = 0
        self.db = world.open_database(url, pool=2)

    def load(self) -> None:
        """The clocks, all of which fall due long after."""
        world.settle(self.url)
        with self.db.begin() as tx:
            making.make(tx, [NewTask(world.PROMISE_KIND, "A promise")])
        with self.db.engine.begin() as conn:
            conn.execute(text("SET LOCAL statement_timeout = 0"))
            conn.execute(text(_COPIES), {"count": self.size.armed})
            conn.execute(text("DELETE FROM message WHERE due_at <= now()"))
        world.tidy(self.url)

    @contextmanager
    def workers(self, count: int, redis: Server) -> Iterator[list[Child]]:
        """Worker processes at rest."""
        with ExitStack() as ends:
            yield [ends.enter_context(processes.child("worker", self.url, redis.url)) for _ in range(count)]

    def arm(self, seconds: float, lead: float = LEAD) -> tuple[int, int]:
        """From ``lead`` seconds from now on some fall due, evenly. Returns the first and the last by number."""
        first = self.begun + 1
        self.begun += int(self.size.rate * seconds)
        if self.begun >= self.size.armed:
            raise RuntimeError("there are not as many clocks")
        given = {"first": first, "last": self.begun, "rate": self.size.rate,
                 "start": datetime.now(UTC) + timedelta(seconds=lead)}  # fmt: skip
        with self.db.engine.begin() as conn:
            for statement in _ARM:
                conn.execute(text(statement), given)
        return first, self.begun

    def fired(self, name: str, crew: Sequence[Child]) -> list[Figure]:
        """What one run came to."""
        world.rest(self.url)
        span = self.arm(self.size.seconds)
        cost = sum(one.cpu() for one in crew)
        time.sleep(LEAD + self.size.seconds)
        self.wait(span)
        cost = sum(one.cpu() for one in crew) - cost
        seen = self.judged(span)
        return [
            *_lateness(f"timers, {name}", seen.late, p99=1, most=5),
            *_lateness(f"ladder steps, {name}", seen.steps, p99=None, most=None),
            Figure(f"timers, {name}", "early", [seen.early], ceiling=0),
            Figure(f"timers, {name}", "twice or never", [seen.wrong], ceiling=0),
            Figure(f"a timer with its ladder, {name}", "ms of the workers' processor", [1000 * cost / len(seen.late)]),
        ]

    def overdue(self, postgres: Server, crew: Sequence[Child]) -> list[Figure]:
        """PostgreSQL is stopped for a while: how soon after its return everything overdue is on record."""
        world.rest(self.url)
        span = self.arm(self.size.away)
        time.sleep(LEAD)
        with outage.stopped(postgres) as absence:
            time.sleep(self.size.away)
        self.db.engine.dispose()
        begin = sum(one.cpu() for one in crew)
        self.wait(span)
        seen = self.judged(span)
        cost = 1000 * (sum(one.cpu() for one in crew) - begin) / len(seen.late)
        name = f"after {self.size.away:.0f} s without PostgreSQL"
        done, steps = (max(at) - absence.back_at for at in (seen.at, seen.steps_at))
        return [
            Figure(f"timers, {name}", f"s until {len(seen.late):,} overdue are on record", [done], ceiling=15),
            Figure(f"ladder steps, {name}", f"s until {len(seen.steps):,} overdue are done", [steps]),
            Figure(f"timers, {name}", "early", [seen.early], ceiling=0),
            Figure(f"timers, {name}", "twice or never", [seen.wrong], ceiling=0),
            Figure(f"a timer with its ladder, {name}", "ms of the worker's processor", [cost]),
        ]

    def wait(self, span: tuple[int, int]) -> None:
        """Until all of a run, their steps too, are on record."""
        end = time.monotonic() + PATIENCE
        breaches = span[1] // 2 - (span[0] - 1) // 2
        while time.monotonic() < end:
            with self.db.engine.connect() as conn:
                falls, steps = (conn.execute(text(sql), _keys(span)).scalar_one() for sql in (_FALLS, _STEPS))
            if falls >= span[1] - span[0] + 1 and steps >= breaches:
                return
            time.sleep(0.2)

    def judged(self, span: tuple[int, int]) -> Judged:
        """The recount of a run from history and from the record of steps."""
        with self.db.engine.connect() as conn:
            falls, steps = (list(conn.execute(text(sql), _keys(span))) for sql in (_LATE, _LATE_STEPS))
        wanted = span[1] - span[0] + 1
        single = {(row.id, row.act) for row in falls}
        breaches = span[1] // 2 - (span[0] - 1) // 2
        wrong = (len(falls) - len(single)) + (wanted - len(single)) + abs(breaches - len(steps))
        early = sum(row.at < row.due for row in [*falls, *steps])
        return Judged(_late(falls), _late(steps), [r.done.timestamp() for r in falls],
                      [r.done.timestamp() for r in steps], early, wrong)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """Seconds late, instants of the commits, and what is wrong."""

    late: list[float]
    steps: list[float]
    at: list[float]
    steps_at: list[float]
    early: int
    wrong: int


def _late(rows: Sequence[Row[Any]]) -> list[float]:
    return [(row.done - row.due).total_seconds() for row in rows]


def _lateness(name: str, late: Sequence[float], p99: float | None, most: float | None) -> list[Figure]:
    return [
        Figure(name, "s late, p99", [quantiles(late, n=100)[-1]], ceiling=p99),
        Figure(name, "s late, longest", [max(late)], ceiling=most),
    ]


def _keys(span: tuple[int, int]) -> dict[str, str]:
    return {"first": f"{span[0]:010x}", "after": f"{span[1] + 1:010x}"}


_OWN = ("id", "origin", "title", "state", "waiting_reasons", "start_by", "created_at", "ready_at", "due_at")
_KEPT = world.besides(_OWN)
_COPIES = f"""
WITH copied AS (
  INSERT INTO task (id, title, state, waiting_reasons, start_by, created_at, ready_at, due_at, {_KEPT})
  SELECT lpad(to_hex(n), 10, '0') || right(t.id, 22), t.title || ' ' || n, 'queued', '["ready_to_pull"]',
    t.start_by + interval '1 hour', t.created_at + interval '1 hour', t.ready_at + interval '1 hour',
    t.due_at + interval '1 hour', {", ".join(f"t.{name}" for name in _KEPT.split(", "))}
  FROM task t, generate_series(1, :count) n WHERE t.kind = '{world.PROMISE_KIND}' RETURNING id, ready_at, due_at),
clocks AS (
  INSERT INTO sla_clock (task, target, started_at, due_at, warn_at)
  SELECT id, 'completion', ready_at, due_at, ready_at + interval '30 hours' FROM copied),
steps AS (
  INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
  SELECT 'escalation.step', 'escalation.step', id, 'one', '{{}}', ready_at, due_at FROM copied)
INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
SELECT 'clock.due', 'task.clock', id, 'one', '{{}}', ready_at, ready_at + interval '30 hours' FROM copied"""
# Number n falls due n / rate seconds after the start: the odd ones are warned, the even ones are due.
_CHOSEN = """
WITH chosen AS (
  SELECT lpad(to_hex(n), 10, '0') AS place, n % 2 = 0 AS breach,
    :start + (n - CAST(:first AS int)) * interval '1 second' / CAST(:rate AS float) AS falls
  FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n), at AS (
  SELECT t.id, c.breach, c.falls, c.falls - (CASE WHEN c.breach THEN interval '40 hours' ELSE interval '30 hours' END)
    AS began FROM chosen c JOIN task t ON t.id >= c.place AND t.id < c.place || 'g')"""
_ARM = (
    f"""{_CHOSEN} UPDATE task t SET created_at = at.began, ready_at = at.began, due_at = at.began + interval '40 hours',
        sla_state = CASE WHEN at.breach THEN 'at_risk' ELSE 'on_track' END FROM at WHERE t.id = at.id""",
    f"""{_CHOSEN} UPDATE sla_clock c SET started_at = at.began, due_at = at.began + interval '40 hours',
        warn_at = at.began + interval '30 hours',
        warned_at = CASE WHEN at.breach THEN at.began + interval '30 hours' END FROM at WHERE c.task = at.id""",
    f"""{_CHOSEN} UPDATE message m SET emitted_at = at.began, due_at = CASE
        WHEN m.handler = 'task.clock' THEN at.falls ELSE at.began + interval '40 hours' END FROM at
        WHERE m.key = at.id AND m.handler IN ('task.clock', 'escalation.step') AND m.token IS NULL
          AND m.done_at IS NULL AND m.dead_at IS NULL""",
)
_SPAN = "h.id >= :first AND h.id < :after"
_FALLS = f"SELECT count(*) FROM history h WHERE h.noun = 'task' AND {_SPAN} AND h.act IN ('sla.warned', 'sla.breached')"
_STEPS = "SELECT count(*) FROM escalation WHERE task >= :first AND task < :after"
_LATE = f"""SELECT h.id, h.act, h.at, (h.change ->> 'due')::timestamptz AS due, pg_xact_commit_timestamp(h.xmin) AS done
    FROM history h WHERE h.noun = 'task' AND {_SPAN} AND h.act IN ('sla.warned', 'sla.breached')"""
_LATE_STEPS = """SELECT task AS id, step AS act, at, due_at AS due, pg_xact_commit_timestamp(xmin) AS done
    FROM escalation WHERE task >= :first AND task < :after"""
