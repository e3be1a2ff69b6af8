"""taskhub as production runs it: API processes and workers, each behind proxies where a fault wants them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from sqlalchemy import make_url

from tests.faults.calls import Caller
from tests.faults.ground import Ground
from tests.faults.processes import Process
from tests.faults.proxy import Proxy
from tests.faults.redo import Redo
from tests.faults.result import Result
from tests.faults.shop import Shop
from tests.servers import Server, free_port


@dataclass(frozen=True)
class Fittings:
    """How a fault wants the house: processes, proxies before the servers, the API's connections, their environment.

    ``poison``: what the workers are armed with whenever they start.
    """

    apis: int = 1
    workers: int = 2
    threads: int = 4
    proxied: bool = False
    pool: int = 8
    env: Mapping[str, str] = field(default_factory=dict)
    armed: tuple[str, ...] = ()


@dataclass
class House:
    """Everything a blow may hit. ``call`` is a patient client."""

    plan_away: float
    postgres: Server
    redis: Server
    shop: Shop
    call: Caller
    apis: list[Process]
    workers: list[Process]
    result: Result
    redo: Redo
    folder: Path
    fittings: Fittings
    to_postgres: Proxy | None = None
    to_redis: Proxy | None = None

    def kill(self, process: Process) -> None:
        """SIGKILL; how soon its rows are tried again is watched from here on."""
        process.kill()
        self.result.kills += 1
        self.redo.note()

    def replace(self, process: Process, *armed: str) -> None:
        """As a supervisor does: another one in its place, and wait until it works."""
        process.start(*(armed or self._armed(process)))
        process.wait()

    def kill_one(self, chance: Random, among: list[Process]) -> None:
        """One that works, at some moment: who is still starting has nothing to lose."""
        victim = chance.choice([one for one in among if one.works] or among)
        victim.wait()
        time.sleep(chance.uniform(0, 0.4))
        self.kill(victim)
        victim.start(*self._armed(victim))

    def settle(self) -> None:
        """Whoever died of a blow is started again, and everybody works."""
        for one in (*self.apis, *self.workers):
            if one.code is not None:
                one.start(*self._armed(one))
            one.wait()

    def _armed(self, process: Process) -> tuple[str, ...]:
        return self.fittings.armed if process in self.workers else ()


@contextmanager
def open_house(
    ground: Ground, shop: Shop, url: str, redis: Server, fittings: Fittings, result: Result
) -> Iterator[House]:
    """Starts it, waits until all work, and ends it in order."""
    folder = ground.logs(result.fault.replace(" ", "-"))
    with ExitStack() as ends:
        urls, proxies = _addresses(ends, url, redis.url) if fittings.proxied else ((url, redis.url), (None, None))
        apis, addresses = _apis(urls, folder, fittings)
        work = ["worker", "--threads", str(fittings.threads)]
        workers = [Process(f"worker-{n}", work, "worker with", urls, folder, fittings.env)
                   for n in range(fittings.workers)]  # fmt: skip
        house = House(
            ground.plan.away, ground.postgres, redis, shop, Caller(addresses), apis, workers, result,
            ends.enter_context(Redo(shop.db)), folder, fittings, *proxies,
        )  # fmt: skip
        for one in (*apis, *workers):
            ends.callback(one.stop)
            one.start(*(fittings.armed if one in workers else ()))
        for one in (*apis, *workers):
            one.wait()
        yield house


def _apis(urls: tuple[str, str], folder: Path, fittings: Fittings) -> tuple[list[Process], list[str]]:
    ports = [free_port() for _ in range(fittings.apis)]
    env = {"TASKHUB_POOL": str(fittings.pool), **fittings.env}
    apis = [Process(f"api-{n}", ["api", "--port", str(port)], "API serves", urls, folder, env)
            for n, port in enumerate(ports)]  # fmt: skip
    return apis, [f"http://127.0.0.1:{port}" for port in ports]


def _addresses(ends: ExitStack, url: str, redis_url: str) -> tuple[tuple[str, str], tuple[Proxy, Proxy]]:
    there, cache = make_url(url), urlsplit(redis_url)
    to_postgres = ends.enter_context(Proxy((str(there.host), int(there.port or 5432))))
    to_redis = ends.enter_context(Proxy((str(cache.hostname), int(cache.port or 6379))))
    through = there.set(host="127.0.0.1", port=to_postgres.port).render_as_string(hide_password=False)
    return (through, f"redis://127.0.0.1:{to_redis.port}{cache.path}"), (to_postgres, to_redis)


def frozen(pids: list[int], seconds: float) -> None:
    """SIGSTOP, and SIGCONT after so long."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
