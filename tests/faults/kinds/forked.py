"""Crashes at every failpoint, thousands of them: forked children on SQLite and PostgreSQL in turn."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from random import Random

from sqlalchemy import update

from taskhub.db.tables import sweep
from tests.faults import holds, places, verdict
from tests.faults.children import Ahead, Script
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.result import Result
from tests.faults.strikes import EXIT_CODE, Armed, Strike, passed, struck

THREADED = (
    "looker.",
    "taker.",
    "crew.",
    "jobs.",
    "bell.",
    "sweep.",
    "worker.",
    "lease.grace",
    "ledger.prolonged",
    "tx.rung",
)
# What brings a process to a place it does not pass of itself.
BEFORE = {
    "runner.failing": "runner.worked:1:raise",
    "ledger.failed": "runner.worked:1:raise",
    "holdings.paying": "runner.worked:1:busy",
    "holdings.paid": "runner.worked:1:busy",
    "ledger.given_back": "runner.worked:1:busy",
}
NTH = (1, 1, 1, 2, 3, 5)
MOST = 4  # times as many children as crashes
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def run(ground: Ground, seed: int) -> Result:
    """As many crashes as the plan says; odd seeds on SQLite, even ones on PostgreSQL."""
    result, begin = Result(FAULT.name, seed), time.monotonic()
    wanted = ground.quiet(seed)
    if seed % 2:
        _play(ground, ground.sqlite("forked"), wanted, result)
    else:
        with ground.database() as url:
            _play(ground, url, wanted, result)
    result.took = time.monotonic() - begin
    return result


def _play(ground: Ground, url: str, wanted: object, result: Result) -> None:
    script = Script(url, ground.plan_of(result.seed), ground.logs("children"))
    notes, chance = script.folder / "notes", Random(result.seed)
    names: list[str] = []
    while result.crashes < script.plan.crashes and script.number < MOST * script.plan.crashes:
        if not names:
            names = places.in_days()
            chance.shuffle(names)
        name = names.pop()
        nth = 1 if name in BEFORE else chance.choice(NTH)
        armed = Armed([Strike(name, nth, "exit"), *_before(name)], notes)
        if name == "lease.grace":
            _long_gap(script)
        threads = name.startswith(THREADED)
        code = script.died(script.child(lambda: script.piece(armed, threads=threads, policies="policies." in name)))  # noqa: B023
        result.crashes += code == EXIT_CODE
        if code not in (0, EXIT_CODE):
            result.wrong.append(f"child {script.number} at {name} ended with {code}:\n{script.tail()}")
            break
    if script.died(script.child(script.rest)):
        result.wrong.append(f"the last child:\n{script.tail()}")
    result.events, result.strikes = sum(map(len, script.batches)), result.crashes
    result.struck, result.passed = struck(notes), passed(notes)
    script.db.clock = Ahead(script.by)
    verdict.in_the_books(script.db, script.plan, wanted, result)  # type: ignore[arg-type]
    with script.db.read() as tx:
        keeping = [queue.key for queue in tx.policies.queues.values() if queue.on_idle == "hold"]
        found = holds.judge(tx.conn, [], [], keeping)
    result.double_holds, result.passed_on = len(found.double), len(found.passed_on)
    result.wrong += [*found.double, *found.passed_on]
    script.db.close()


def _before(name: str) -> list[Strike]:
    return [Strike.parse(BEFORE[name])] if name in BEFORE else []


def _long_gap(script: Script) -> None:
    """As if nobody had looked for long."""
    with script.db.begin() as tx:
        tx.conn.execute(update(sweep).values(at=LONG_AGO))
    script.db.close()


FAULT = Fault("forked", "children that die at every failpoint, on SQLite and PostgreSQL in turn", run)
