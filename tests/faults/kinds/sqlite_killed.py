"""SQLite under kill -9 at random moments of writing: the file stays whole, what was accepted is there."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from random import Random

from sqlalchemy import make_url

from tests.faults import verdict
from tests.faults.children import Ahead, Script
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.result import Result

KILLS_IN = 4  # a quarter of the crashes of a plan
CHECK_EVERY = 10
SOONEST, LATEST = 0.02, 0.7  # s; part of the time a piece lasts


def run(ground: Ground, seed: int) -> Result:
    """The day in children, each killed at some moment."""
    result, begin = Result(FAULT.name, seed), time.monotonic()
    wanted = ground.quiet(seed)
    script = Script(ground.sqlite("killed"), ground.plan_of(seed), ground.logs("children"))
    chance = Random(seed)
    most = max(1, script.plan.crashes // KILLS_IN)
    while result.kills < most and script.number < 4 * most:
        worn_out = script.worn_out()
        script.db.close()
        pid = script.child(lambda: script.piece(None))
        if worn_out:
            script.died(pid)
            continue
        time.sleep(chance.uniform(SOONEST, LATEST * script.lasts))
        os.kill(pid, signal.SIGKILL)
        code = script.died(pid)
        result.kills += code == -signal.SIGKILL
        if result.kills % CHECK_EVERY == 0:
            _whole(script, result)
    if script.died(script.child(script.rest)):
        result.wrong.append(f"the last child:\n{script.tail()}")
    _whole(script, result)
    result.events, result.strikes = sum(map(len, script.batches)), result.kills
    script.db.clock = Ahead(script.by)
    verdict.in_the_books(script.db, script.plan, wanted, result)
    script.db.close()
    result.took = time.monotonic() - begin
    return result


def _whole(script: Script, result: Result) -> None:
    with sqlite3.connect(str(make_url(script.url).database)) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    if said != "ok":
        result.wrong.append(f"the file is damaged: {said}")


FAULT = Fault("sqlite killed", "SIGKILL at random moments of writing to SQLite, integrity_check", run)
