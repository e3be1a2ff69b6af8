"""A deploy under load: every process gets SIGTERM in turn and is started again, and nobody who calls notices.

Two API processes and two workers. The clients know both addresses and send what was refused or cut again, under the
same Idempotency-Key.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

from sqlalchemy import text

from benchmarks import callers, processes, sizes, world
from benchmarks.callers import CLAIM, EVENT, Call
from benchmarks.claims import SETTINGS
from benchmarks.processes import Child
from benchmarks.table import Figure
from tests.servers import start_postgres, start_redis

CLIENTS, PAUSE = 4, 0.2  # 160 people hold 20 tasks each: enough for two minutes and more
BETWEEN = 1.0
ROLES = ("api", "worker", "api", "worker")


def run() -> list[Figure]:
    """Rounds of restarts; what the callers were told, and what the database knows of it."""
    rounds = sizes.of(5, 1)
    with ExitStack() as ends:
        postgres = ends.enter_context(start_postgres(durable=True, settings=SETTINGS))
        redis = ends.enter_context(start_redis())
        url = world.new_database(postgres.url, "ours")
        keys = world.settle(url)
        world.fill(url, 10_000)
        house = [ends.enter_context(processes.child(role, url, redis.url)) for role in ROLES]
        world.rest(url)
        crew = callers.crew(
            keys, [one.port for one in house if one.role == "api"], each=CLIENTS, pause=PAUSE, again=True
        )
        drains = [_restarted(one) for _ in range(rounds) for one in house]
        calls = callers.ended(crew)
        world.rest(url)
        return _figures(url, calls, drains)


def _restarted(one: Child) -> float:
    """Seconds from SIGTERM to an end in order."""
    time.sleep(BETWEEN)
    took, code = one.stop()
    if code:
        raise RuntimeError(f"the {one.role} ended with {code}")
    one.start()
    return took


def _figures(url: str, calls: Sequence[Call], drains: Sequence[float]) -> list[Figure]:
    claims = [call for call in calls if call.kind == CLAIM]
    events = [call for call in calls if call.kind == EVENT]
    failed = [call for call in calls if call.status not in (200, 202)]
    given = Counter(call.task for call in claims if call.task is not None)
    doubled = sum(given.values()) - len(given)
    with world.open_database(url, pool=1).engine.connect() as conn:
        claimed, made, received = (conn.execute(text(question)).scalar_one() for question in _COUNTED)
    accepted = sum(call.status == 202 for call in events)
    wrong = doubled + abs(claimed - len(given)) + abs(made - accepted) + abs(received - accepted)
    again = sum(call.sent > 1 for call in calls)
    return [
        Figure(f"{len(drains)} restarts under {len(calls):,} calls, {again} sent again", "calls failed", [len(failed)],
               ceiling=0),
        Figure(f"{len(given):,} claims and {accepted:,} events meanwhile", "lost or twice", [wrong], ceiling=0),
        Figure("a process from SIGTERM to its end", "s, longest", [max(drains)], ceiling=10),
        Figure("a claim during restarts", "s, longest", [max(call.took for call in claims)]),
    ]  # fmt: skip


_COUNTED = (
    "SELECT count(*) FROM history WHERE noun = 'task' AND act = 'claim'",
    f"SELECT count(*) FROM task WHERE kind = '{world.DESK_KIND}'",
    "SELECT count(*) FROM event WHERE state = 'applied'",
)
