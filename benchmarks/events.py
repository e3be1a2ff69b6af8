"""Events a second from POST to stored decision: one API process, one worker process, PostgreSQL and Redis.

Beside it, in turn, what no queue on the same database can undercut: one thread inserts a row and commits, another
fetches a row and commits. Singles come from 4 connections, batches of 50 from one.
"""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from sqlalchemy import Engine, text

from benchmarks import processes, world
from benchmarks.table import Figure
from taskhub.db import engine
from tests.servers import start_postgres, start_redis

SINGLES, BATCH, BATCHES = 1_500, 50, 40
ROUNDS = 3
SENDERS = 4
WITHIN = 120.0
_IN = text("INSERT INTO job (body) VALUES (:body)")
_OUT = text("""
WITH picked AS MATERIALIZED (SELECT id FROM job WHERE done_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE job j SET done_at = now() FROM picked WHERE j.id = picked.id RETURNING j.id""")


def run() -> list[Figure]:
    """Events a second, singles and batches, each beside the bare loop."""
    with start_postgres(durable=True) as postgres, start_redis() as redis:
        url, plain = (world.new_database(postgres.url, name) for name in ("ours", "plain"))
        key = world.settle(url)[-1]
        made = engine.writer(plain, 2)
        with made.begin() as conn:
            conn.execute(text("CREATE TABLE job (id bigserial PRIMARY KEY, body jsonb NOT NULL, done_at timestamptz)"))
            conn.execute(text("CREATE INDEX ix_job_open ON job (id) WHERE done_at IS NULL"))
        with processes.started("api", url, redis.url) as port, processes.started("worker", url, redis.url):
            _send(port, key, [_batch("warm", 0)])
            _wait(url, BATCH)
            world.rest(url)
            return _rounds(Sender(url, port, key), made)


class Sender:
    """Sends events and waits until every one of them has its decision."""

    def __init__(self, url: str, port: int, key: str) -> None:
        self.url, self.port, self.key = url, port, key
        self.sent = world.decided(url)

    def rate(self, bodies: list[bytes], each: int) -> float:
        begin = time.perf_counter()
        _send(self.port, self.key, bodies)
        self.sent += len(bodies) * each
        _wait(self.url, self.sent)
        return len(bodies) * each / (time.perf_counter() - begin)


def _rounds(sender: Sender, made: Engine) -> list[Figure]:
    singles, batches, bare = [], [], []
    for number in range(ROUNDS):
        bare.append(_bare(made, 1.5))
        singles.append(sender.rate([orjson.dumps(_event(f"s{number}", n)) for n in range(SINGLES)], 1))
        bare.append(_bare(made, 1.5))
        batches.append(sender.rate([_batch(f"b{number}", n) for n in range(BATCHES)], BATCH))
    made.dispose()
    return [
        Figure("events, singles", "events/s to stored decision", singles, bare[::2], least=0.15, floor=100),
        Figure("events, batches of 50", "events/s to stored decision", batches, bare[1::2], least=0.15, floor=100),
    ]


def _event(name: str, number: int) -> dict[str, Any]:
    deal = {"id": f"{name}-{number}", "name": f"Deal {number}", "amount": 100 + number, "status": "won"}
    return {"specversion": "1.0", "id": f"{name}-{number}", "source": "bench", "type": "deal.won",
            "subject": deal["id"], "data": {"deal": deal}}  # fmt: skip


def _batch(name: str, number: int) -> bytes:
    return orjson.dumps([_event(f"{name}-{number}", n) for n in range(BATCH)])


def _send(port: int, key: str, bodies: list[bytes]) -> None:
    shares = [bodies[place::SENDERS] for place in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda share: _post(port, key, share), shares))


def _post(port: int, key: str, bodies: list[bytes]) -> None:
    """One sender: its events one after the other over one connection, as a CRM sends them."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for body in bodies:
        kind = "application/cloudevents-batch+json" if body.startswith(b"[") else "application/cloudevents+json"
        line.request("POST", "/api/v1/events", body, {"authorization": f"Bearer {key}", "content-type": kind})
        answer = line.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"an event was answered {answer.status}")
    line.close()


def _wait(url: str, count: int) -> None:
    end = time.monotonic() + WITHIN
    while (found := world.decided(url)) < count:
        if time.monotonic() > end:
            raise RuntimeError(f"{found} of {count} events have their decision")
        time.sleep(0.05)


def _bare(made: Engine, seconds: float) -> float:
    """Rows a second that one thread inserts and another fetches, a commit each."""
    end, counts = time.perf_counter() + seconds, [0, 0]

    def insert() -> None:
        while time.perf_counter() < end:
            with made.begin() as conn:
                conn.execute(_IN, {"body": '{"deal": 1}'})
            counts[0] += 1

    def fetch() -> None:
        while time.perf_counter() < end:
            with made.begin() as conn:
                counts[1] += conn.execute(_OUT).first() is not None

    hands = [threading.Thread(target=work) for work in (insert, fetch)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    return counts[1] / seconds
