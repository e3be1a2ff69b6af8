"""A house without Redis claims as before; without PostgreSQL it says so at once, and works again by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from statistics import quantiles

from benchmarks import callers, client, outage, processes, sizes, world
from benchmarks.callers import Call
from benchmarks.claims import CROWD, FEW, SETTINGS
from benchmarks.client import Job
from benchmarks.outage import Absence
from benchmarks.table import Figure
from tests.servers import Server, start_postgres, start_redis

HEARD = 1.5  # a bell that has met no Redis rests for a second
MARGIN = 0.2
CLIENTS, PAUSE = 4, 0.1
AFTERWARDS = 8.0


def run_redis() -> list[Figure]:
    """Claims of 16 clients with Redis killed, in turn with claims as they are."""
    rounds, seconds = sizes.of((7, 2.0), (2, 1.0))
    with start_postgres(durable=True, settings=SETTINGS) as postgres, start_redis() as redis:
        url = world.new_database(postgres.url, "ours")
        keys = world.settle(url)[:-1]
        world.fill(url, sizes.of(FEW, 3_000))
        with processes.started("api", url, redis.url) as port:
            job = Job(port, "claim", CROWD, seconds, keys)
            client.run(job)
            pairs = [(_without(redis, url, job), _with(url, job)) for _ in range(rounds)]
    mine, theirs = zip(*pairs, strict=True)
    return [Figure("claims without Redis, 16 clients", "a second, beside the same with it", mine, theirs, least=0.9)]


def _without(redis: Server, url: str, job: Job) -> float:
    world.tidy(url)
    with outage.killed(redis):
        rate = client.run(job).rate
    time.sleep(HEARD)
    return rate


def _with(url: str, job: Job) -> float:
    world.tidy(url)
    return client.run(job).rate


def run_postgres() -> list[Figure]:
    """PostgreSQL is stopped, then hangs, while people claim and read and a machine sends events."""
    with start_postgres(durable=True, settings=SETTINGS, tcp=True) as postgres, start_redis() as redis:
        url = world.new_database(postgres.url, "ours")
        keys = world.settle(url)
        world.fill(url, sizes.of(FEW, 3_000))
        with processes.child("api", url, redis.url) as api, processes.child("worker", url, redis.url) as worker:
            world.rest(url)
            figures = []
            for name, absent in (("stopped", outage.stopped), ("hung", outage.hanging)):
                figures += _away(name, lambda absent=absent: absent(postgres), url, keys, api.port)  # type: ignore[misc]
            if not (api.alive() and worker.alive()):
                raise RuntimeError("a process of ours ended")
    return figures


def _away(
    name: str, absent: Callable[[], AbstractContextManager[Absence]], url: str, keys: Sequence[str], port: int
) -> list[Figure]:
    rounds = [_outage(absent, url, keys, port) for _ in range(sizes.of(3, 1))]
    answers = [p99 for p99, _, _ in rounds]
    served = [back for _, back, _ in rounds]
    return [
        Figure(f"PostgreSQL {name}: answers of the API", "s p99, 503 each", answers, ceiling=2),
        Figure(f"PostgreSQL {name}: full service again", "s after its return", served, ceiling=5),
        Figure(f"PostgreSQL {name}: an event decided", "s after its return", [one for _, _, one in rounds], ceiling=5),
    ]


def _outage(
    absent: Callable[[], AbstractContextManager[Absence]], url: str, keys: Sequence[str], port: int
) -> tuple[float, float, float]:
    """Seconds: the slowest answer of a hundred meanwhile, the last refusal and the first decision after the return."""
    world.tidy(url)
    crew = callers.crew(keys, [port], each=CLIENTS, pause=PAUSE, again=False)
    time.sleep(1.0)
    with absent() as absence:
        time.sleep(sizes.of(15.0, 5.0))
    before = world.decided(url)
    decided = _decided(url, before) - absence.back_at
    time.sleep(AFTERWARDS)
    calls = callers.ended(crew)
    meanwhile = [call for call in calls if absence.gone_at + MARGIN < call.began < absence.back_at - 2 * MARGIN]
    wrong = [call for call in meanwhile if call.status != 503 and call.ended < absence.back_at]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {len(meanwhile)} calls were not answered 503, such as {wrong[0]}")
    return quantiles([call.took for call in meanwhile], n=100)[-1], _served(calls, absence), decided


def _served(calls: Sequence[Call], absence: Absence) -> float:
    """Seconds after the return until claims, events and reads all succeed and none fails any more."""
    after = [call for call in calls if call.ended > absence.back_at]
    last = max((call.ended for call in after if call.status not in (200, 202)), default=0.0)
    well = [call for call in after if call.ended > last]
    first = [min((call.ended for call in well if call.kind == kind), default=math.inf) for kind in callers.KINDS]
    return max(first) - absence.back_at


def _decided(url: str, before: int) -> float:
    end = time.monotonic() + 60
    while world.decided(url) <= before:
        if time.monotonic() > end:
            raise RuntimeError("no event is decided any more")
        time.sleep(0.02)
    return time.time()
