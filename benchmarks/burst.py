"""A burst of 10,000 tasks into one pool of 200 people, while 20 others claim in other queues at the pace of people.

One API process, one worker process, PostgreSQL and Redis. The baseline is those claims in the same house before the
burst: the same clients, the same pace.
"""

from __future__ import annotations

import threading
import time

from sqlalchemy import text

from benchmarks import client, processes, world
from benchmarks.claims import SETTINGS
from benchmarks.client import Job, Result
from benchmarks.table import Figure
from tests.servers import start_postgres, start_redis

TASKS, POOL, CLIENTS = 10_000, 200, 20
WAITING = 10_000
SECONDS, PAUSE = 12.0, 0.4
ROUNDS = 3
WITHIN = 60.0


def run() -> list[Figure]:
    """Seconds until all of the burst is given away, and the claims of the others meanwhile."""
    with start_postgres(durable=True, settings=SETTINGS) as postgres, start_redis() as redis:
        url = world.new_database(postgres.url, "ours")
        keys = world.settle(url, POOL)[:-1]
        world.fill(url, WAITING)
        with processes.started("api", url, redis.url) as port, processes.started("worker", url, redis.url):
            world.rest(url)
            house = House(url, port, keys)
            house.claims()
            rounds = [(house.claims().p99, *house.burst()) for _ in range(ROUNDS)]
    quiet, given, busy = zip(*rounds, strict=True)
    return [
        Figure(f"burst of {TASKS:,} tasks, {POOL} people", "s until all are given", given, ceiling=10),
        Figure(f"claims of {CLIENTS} others meanwhile", "ms p99, beside the same when quiet", busy, quiet, most=3),
    ]


class House:
    """The running organisation: claims in its pull queues, bursts into its push queue."""

    def __init__(self, url: str, port: int, keys: list[str]) -> None:
        self.url, self.port, self.keys = url, port, keys
        self.db = world.open_database(url, pool=2)

    def claims(self) -> Result:
        """The others at their pace."""
        world.tidy(self.url)
        return client.run(Job(self.port, "claim_cycle", CLIENTS, SECONDS, self.keys, pause=PAUSE))

    def burst(self) -> tuple[float, float]:
        """Seconds from the commit of a burst until nothing of it waits, and the p99 of the claims around it."""
        world.tidy(self.url)
        self._free()
        seen: list[Result] = []
        job = Job(self.port, "claim_cycle", CLIENTS, SECONDS, self.keys, pause=PAUSE)
        others = threading.Thread(target=lambda: seen.append(client.run(job)))
        others.start()
        time.sleep(1.0)
        world.burst(self.db, TASKS)
        begin = time.perf_counter()
        self._wait()
        took = time.perf_counter() - begin
        others.join()
        return took, seen[0].p99

    def _free(self) -> None:
        with self.db.engine.begin() as conn:
            conn.execute(text("UPDATE task SET state = 'cancelled' WHERE kind = :kind"), {"kind": world.DESK_KIND})

    def _wait(self) -> None:
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            with self.db.engine.connect() as conn:
                asked = text("SELECT count(*) FROM task WHERE kind = :kind AND state = 'queued'")
                if not conn.execute(asked, {"kind": world.DESK_KIND}).scalar_one():
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the burst was not given away within {WITHIN:.0f} s")
