"""Another process holds SQLite's write lock: writers get a bounded 503, readers go on, nothing is damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from typing import Any

from sqlalchemy import make_url

from taskhub.db.database import LINE_WAIT
from taskhub.db.engine import BUSY_MS
from taskhub.flow import HANDLERS
from taskhub.workers import run_due
from tests.faults import office, verdict
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.plan import CAPACITY, PEOPLE
from tests.faults.quiet import hands_of
from tests.faults.result import Result
from tests.faults.shop import BATCH, EVENTS, Shop, open_shop

HOLDS_FOR = 30.0
BOUND = LINE_WAIT + BUSY_MS / 1000 + 5
_HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


def run(ground: Ground, seed: int) -> Result:
    """The lock is held in the middle of the day."""
    result, begin = Result(FAULT.name, seed, strikes=1), time.monotonic()
    plan, wanted = ground.plan_of(seed), ground.quiet(seed)
    url = ground.sqlite("locked")
    with open_shop(url, PEOPLE, capacity=CAPACITY, files=office.texts()) as shop:
        batches = plan.batches()
        for number, batch in enumerate(batches):
            if number == len(batches) // 2:
                _locked(str(make_url(url).database), shop, batch, result)
            shop.batch(batch)
            result.events += len(batch)
            run_due(shop.db, HANDLERS)
        hands = hands_of(shop, plan)
        while not hands.look():
            run_due(shop.db, HANDLERS)
        run_due(shop.db, HANDLERS)
        verdict.in_the_books(shop.db, plan, wanted, result)
    result.took = time.monotonic() - begin
    return result


def _locked(file: str, shop: Shop, batch: Any, result: Result) -> None:
    command = [sys.executable, "-c", _HOLDER, file, str(HOLDS_FOR)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        begin = time.monotonic()
        answer = shop.sender.request("POST", EVENTS, json=batch, headers={"content-type": BATCH})
        result.slowest = time.monotonic() - begin
        result.answers[answer.status_code] += 1
        if answer.status_code not in (202, 503) or result.slowest > BOUND:
            result.wrong.append(f"a locked file answers {answer.status_code} after {result.slowest:.0f} s")
        looked = time.monotonic()
        reading = shop.admin.get("/api/v1/tasks")
        result.figures["reading meanwhile s"] = round(time.monotonic() - looked, 3)
        if reading.status_code != 200 or result.figures["reading meanwhile s"] > 2:
            result.wrong.append(f"reading waits for the writer: {reading.status_code}, {result.figures}")
        holder.wait(HOLDS_FOR + 30)
    with sqlite3.connect(file) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    if said != "ok":
        result.wrong.append(f"the file is damaged: {said}")


FAULT = Fault("sqlite locked", "another process holds SQLite's write lock for 30 s", run)
