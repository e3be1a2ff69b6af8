"""Rows and leases that lose who held them: how soon a row of a killed worker runs again, and a task is offered again.

A row is done by its second process at once and held by its first one for as long as that lives, which is until it is
killed: a moment after it was taken. Instants are PostgreSQL's, of the commit.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

from sqlalchemy import Engine, Row, text

from benchmarks import client, processes, sizes, world
from benchmarks.claims import SETTINGS
from benchmarks.client import Job
from benchmarks.processes import LYING, Child
from benchmarks.table import Figure
from benchmarks.timers import COMMITS
from taskhub.db import engine
from taskhub.tasks import making
from taskhub.tasks.model import NewTask
from tests.servers import Server, start_postgres, start_redis

WITHIN = 240.0
SOON = 4.0


def run() -> list[Figure]:
    """Rows beside a second worker and under a supervisor; leases of both sorts of queue."""
    kills, leases = sizes.of(100, 3), sizes.of(1_000, 40)
    with start_postgres(durable=True, settings=SETTINGS | COMMITS) as postgres, start_redis() as redis:
        url = world.new_database(postgres.url, "ours")
        keys = world.settle(url)[:-1]
        world.fill(url, 2_000)
        made = engine.writer(url, 4)
        beside = _beside(url, redis, made, kills)
        supervised = _supervised(url, redis, made, kills)
        figures = [
            Figure(f"row of a worker killed {kills} times, another lives", "s until done, p99", [beside], ceiling=5),
            Figure(f"row of a worker killed {kills} times, supervised", "s until done, p99", [supervised], ceiling=5),
            *_leases(url, redis, made, keys, leases),
        ]
        made.dispose()
    return figures


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _beside(url: str, redis: Server, made: Engine, kills: int) -> float:
    """Two workers; the one that holds the row is killed, and another is started in its place."""
    with processes.child("slow", url, redis.url) as one, processes.child("slow", url, redis.url) as two:
        _settled(made, url)
        crew = [one, two]
        return _p99([_killed(made, lambda pid: _by(crew, pid)) for _ in range(kills)])


def _by(crew: Sequence[Child], pid: int) -> float:
    victim = next(one for one in crew if one.pid == pid)
    at = victim.kill()
    victim.start()
    return at


def _supervised(url: str, redis: Server, made: Engine, kills: int) -> float:
    """One worker under a supervisor, who starts the next."""
    with processes.child("supervisor", url, redis.url):
        _settled(made, url)
        return _p99([_killed(made, _shot) for _ in range(kills)])


def _shot(pid: int) -> float:
    at = time.time()
    os.kill(pid, signal.SIGKILL)
    return at


def _settled(made: Engine, url: str) -> None:
    """At rest, with a place to note who holds a row."""
    world.rest(url)
    with made.begin() as conn:
        conn.execute(text("CREATE TABLE IF NOT EXISTS holder (message bigint PRIMARY KEY, pid integer NOT NULL)"))


def _killed(made: Engine, kill: Callable[[int], float]) -> float:
    """Seconds from the death of the first process to the commit of the second."""
    with made.begin() as conn:
        row = conn.execute(text(_ROW), {"handler": LYING}).scalar_one()
    pid = _asked(made, "SELECT pid FROM holder WHERE message = :row", row)
    at = kill(int(pid))
    return _asked(made, _DONE, row) - at


_DONE = """SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM message
WHERE id = :row AND done_at IS NOT NULL"""
_ROW = """INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
VALUES ('bench', :handler, gen_random_uuid()::text, 'each', '{}', now(), now()) RETURNING id"""


def _asked(made: Engine, question: str, row: int) -> float:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        with made.connect() as conn:
            answer = conn.execute(text(question), {"row": row}).scalar()
        if answer is not None:
            return float(answer)
        time.sleep(0.005)
    raise RuntimeError(f"row {row} is not done")


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _leases(url: str, redis: Server, made: Engine, keys: list[str], count: int) -> list[Figure]:
    """Leases that end within a few seconds in both sorts of queue, while other people claim what there is."""
    world.tidy(url)
    with processes.child("worker", url, redis.url), processes.started("api", url, redis.url) as port:
        world.rest(url)
        returned, kept = _leased(url, made, count)
        # The others claim after the leases have ended too: what was put aside must not reach them.
        client.run(Job(port, "claim", 4, SPREAD + SOON, keys[40:], pause=0.1))
        _waited(made, returned)
        late = [row.late for row in _rows(made, _OFFERED, returned)]
        passed = len(kept) - len(_rows(made, _STILL, kept))
    return [
        Figure(f"{len(late)} leases ended in a return queue", "s until offered again, p99", [_p99(late)], ceiling=2),
        Figure(f"{len(returned)} leases ended in a return queue", "never offered again",
               [len(returned) - len(late)], ceiling=0),
        Figure(f"{len(kept)} leases ended in a hold queue", "with somebody else", [passed], ceiling=0),
    ]  # fmt: skip


SPREAD = 10.0
_LEASED = """
WITH chosen AS (
  SELECT id, row_number() OVER (ORDER BY id) AS n FROM task
  WHERE queue = :queue AND state = 'queued' ORDER BY id LIMIT :count),
held AS (
  UPDATE task t SET state = 'in_progress', agent = 'agent-' || lpad((n % 40)::text, 3, '0'), given_at = now(),
    started_at = now(), waiting_reasons = NULL FROM chosen WHERE chosen.id = t.id RETURNING t.id, t.agent, n),
ends AS (SELECT id, agent, now() + interval '3 seconds' + n * interval '1 second' * :spread / :count AS at FROM held),
leased AS (
  INSERT INTO lease (task, agent, token, expires_at) SELECT id, agent, nextval('fence'), at FROM ends)
INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
SELECT 'lease.expired', 'task.lease', id, 'one', jsonb_build_object('agent', agent), now(), at FROM ends
RETURNING key"""
_OFFERED = """
SELECT h.id, extract(epoch FROM pg_xact_commit_timestamp(h.xmin) - m.due_at)::float AS late FROM history h
JOIN message m ON m.key = h.id AND m.handler = 'task.lease' AND m.done_at IS NOT NULL
WHERE h.noun = 'task' AND h.act = 'expire' AND h.id = ANY(:ids)"""
_STILL = """
SELECT t.id FROM task t JOIN message m ON m.key = t.id AND m.handler = 'task.lease' AND m.done_at IS NOT NULL
WHERE t.id = ANY(:ids) AND t.state = 'paused' AND t.paused_reason = 'set_aside' AND t.agent = m.payload ->> 'agent'
  AND NOT EXISTS (SELECT 1 FROM history h WHERE h.noun = 'task' AND h.id = t.id AND h.act = 'claim')"""


def _leased(url: str, made: Engine, count: int) -> tuple[list[str], list[str]]:
    """Tasks with leases: in a queue that returns work, and in one that keeps it with its person."""
    db = world.open_database(url, pool=1)
    with db.begin() as tx:
        (first,) = making.make(tx, [NewTask(world.PROMISE_KIND, "A promise")])
    db.close()
    own = {"id": "'ffff' || lpad(to_hex(n), 28, '0')", "origin": "NULL", "sla": "NULL"}
    names = world.besides(())
    columns = ", ".join(own.get(name, f"t.{name}") for name in names.split(", "))
    rows = f"SELECT {columns} FROM task t, generate_series(1, {count}) n WHERE t.id = '{first}'"
    with made.begin() as conn:
        conn.execute(text(f"INSERT INTO task ({names}) {rows}"))
        given = {"count": count, "spread": SPREAD}
        found = [
            list(conn.execute(text(_LEASED), given | {"queue": queue}).scalars())
            for queue in (world.PROMISE, world.QUEUES[0])
        ]
    return found[0], found[1]


def _waited(made: Engine, returned: Sequence[str]) -> None:
    end = time.monotonic() + WITHIN
    while len(_rows(made, _OFFERED, returned)) < len(returned) and time.monotonic() < end:
        time.sleep(0.2)


def _rows(made: Engine, question: str, ids: Sequence[str]) -> list[Row[Any]]:
    with made.connect() as conn:
        return list(conn.execute(text(question), {"ids": list(ids)}))


def _p99(took: Sequence[float]) -> float:
    return quantiles(took, n=100, method="inclusive")[-1] if len(took) > 1 else took[0]
