"""Claims over HTTP: one API process beside a bare route on the same server, at 10,000 and at 1,000,000 waiting tasks.

Rounds take turns, so that both sides feel the same machine; between them whatever is held is done and the tables are
swept. Ours is the whole call: key, capacity, lease, history, act, decision, timer, Idempotency-Key. The bare route
takes a row and commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import bare, client, processes, world
from benchmarks.client import Job
from benchmarks.table import Figure
from tests.servers import Server, start_postgres

FEW, MANY = 10_000, 1_000_000
CROWD = 16
ROUNDS, SECONDS = 7, 2.0
COUNTED = 300
SETTINGS = {"shared_buffers": "1GB", "checkpoint_timeout": "30min"}


@dataclass
class Pair:
    """Our API and the bare route, each on its own database of one server."""

    ours: str
    plain: str
    keys: list[str]
    api: int
    bare: int

    def mine(self, mode: str, clients: int) -> client.Result:
        """One round of ours, from tables in order."""
        world.tidy(self.ours)
        return client.run(Job(self.api, mode, clients, SECONDS, self.keys))

    def theirs(self, mode: str, clients: int) -> client.Result:
        """One round of the baseline."""
        world.tidy_plain(self.plain)
        return client.run(Job(self.bare, f"bare{mode.removeprefix('claim')}", clients, SECONDS))


def run() -> list[Figure]:
    """Claims and claims with completion, 1 and 16 clients."""
    with start_postgres(durable=True, settings=SETTINGS) as postgres, _pair(postgres, FEW) as pair:
        figures = [_crowd(pair, mode) for mode in ("claim", "claim_cycle")]
        figures.append(_statement(pair))
        figures += _alone(pair)
    return figures


def run_commits() -> list[Figure]:
    """One commit a claim: what the database counts over the lives of two API processes, one with more claims."""
    with start_postgres(durable=True, settings=SETTINGS | {"autovacuum": "off"}) as postgres:
        url, keys = _filled(postgres, "ours", FEW)
        (few, some), (many, more) = (_life(url, keys, most) for most in (COUNTED, 3 * COUNTED))
    return [Figure("commits a claim", f"over {more - some} claims", [(many - few) / (more - some)], floor=1, ceiling=1)]


def _life(url: str, keys: list[str], most: int) -> tuple[int, int]:
    """Commits while one API process lived, its connections' own included, and the claims it answered."""
    world.tidy(url)
    before = world.commits(url)
    with processes.started("api", url) as port:
        claims = client.run(Job(port, "claim", CROWD, 60.0, keys, 0, most)).total
    return world.commits(url) - before, claims


def run_backlog() -> list[Figure]:
    """The median claim of one client with a million waiting, beside that with ten thousand."""
    with (
        start_postgres(durable=True, settings=SETTINGS) as postgres,
        _api(postgres, "few", FEW) as few,
        _api(postgres, "many", MANY) as many,
    ):
        pairs = [(_median(many), _median(few)) for _ in range(ROUNDS)]
    mine, theirs = zip(*pairs, strict=True)
    return [Figure("claim, 1,000,000 waiting against 10,000", "ms median, 1 client", mine, theirs, most=1.3)]


def _median(side: tuple[str, int, list[str]]) -> float:
    url, port, keys = side
    world.tidy(url)
    return client.run(Job(port, "claim", 1, SECONDS, keys)).p50


def _crowd(pair: Pair, mode: str) -> Figure:
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(pair.mine(mode, CROWD).rate)
        theirs.append(pair.theirs(mode, CROWD).rate)
    name, least = ("claim", 0.4) if mode == "claim" else ("claim and complete", None)
    return Figure(f"{name}, {CROWD} clients", "a second, beside the bare route", mine, theirs, least=least)


def _statement(pair: Pair) -> Figure:
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(pair.theirs("claim", CROWD).rate)
        world.tidy_plain(pair.plain)
        theirs.append(bare.rate(pair.plain, CROWD, 1.0))
    return Figure(f"the bare route, {CROWD} clients", "a second, beside its statement alone", mine, theirs)


def _alone(pair: Pair) -> list[Figure]:
    mine, theirs, cycle = [], [], []
    for _ in range(ROUNDS):
        mine.append(pair.mine("claim", 1).p50)
        theirs.append(pair.theirs("claim", 1).p50)
        cycle.append(pair.mine("claim_cycle", 1).rate)
    return [
        Figure("claim, 1 client", "ms median, beside the bare route", mine, theirs, ceiling=5),
        Figure("claim and complete, 1 client", "cycles/s", cycle),
    ]


def _filled(postgres: Server, name: str, waiting: int) -> tuple[str, list[str]]:
    url = world.new_database(postgres.url, name)
    keys = world.settle(url)[:-1]
    world.fill(url, waiting)
    return url, keys


@contextmanager
def _api(postgres: Server, name: str, waiting: int) -> Iterator[tuple[str, int, list[str]]]:
    url, keys = _filled(postgres, name, waiting)
    with processes.started("api", url) as port:
        client.run(Job(port, "claim", CROWD, 1.0, keys))
        yield url, port, keys


@contextmanager
def _pair(postgres: Server, waiting: int) -> Iterator[Pair]:
    plain = world.new_database(postgres.url, "plain")
    world.fill_plain(plain, waiting)
    with _api(postgres, "ours", waiting) as (ours, port, keys), processes.started("bare", plain) as other:
        pair = Pair(ours, plain, keys, port, other)
        pair.theirs("claim", CROWD)
        yield pair
