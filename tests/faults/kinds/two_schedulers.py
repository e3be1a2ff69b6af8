"""Several schedulers at once, one of them killed: every slot of a job runs once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from datetime import timedelta

from sqlalchemy import select

from taskhub import bootstrap
from taskhub.db.database import Database
from taskhub.db.tables import history, job_fired
from taskhub.db.tx import Tx
from taskhub.workers import Job, every
from taskhub.workers.jobs import Ticker
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.result import Result
from tests.faults.shop import settings

PROCESSES, THREADS = 3, 4
FOR = 8.0
SLOT = timedelta(milliseconds=250)
NOUN = "campaign-job"


def run(ground: Ground, seed: int) -> Result:
    """Processes tick as fast as they can; what each firing did stands in history."""
    result, begin = Result(FAULT.name, seed, strikes=1), time.monotonic()
    with ground.database() as url:
        children = [_fork(url) for _ in range(PROCESSES)]
        time.sleep(FOR / 2)
        os.kill(children[0], signal.SIGKILL)
        result.kills += 1
        for pid in children:
            os.waitpid(pid, 0)
        db = bootstrap.database(settings(url))
        with db.read() as tx:
            did = Counter(tx.conn.execute(select(history.c.id).where(history.c.noun == NOUN)).scalars())
            fired = {at.isoformat() for at in tx.conn.execute(select(job_fired.c.fire_at)).scalars()}
        db.close()
    result.duplicates = did.total() - len(did)
    result.lost = len(fired - did.keys())
    result.figures = {"slots": len(fired)}
    if result.duplicates or fired != did.keys() or not fired:
        result.wrong.append(f"I7 {len(fired)} slots fired, {len(did)} ran, {result.duplicates} ran twice")
    result.took = time.monotonic() - begin
    return result


def _fork(url: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    _tick(bootstrap.database(settings(url)))
    os._exit(0)


def _tick(db: Database) -> None:
    slot = every(SLOT)

    def note(tx: Tx) -> None:
        tx.record(NOUN, slot(tx.now).isoformat(), "run", {})

    end = time.monotonic() + FOR
    ticker = Ticker(db, [Job(NOUN, slot, note)], lambda: True)

    def tick() -> None:
        while time.monotonic() < end:
            ticker.tick()

    threads = [threading.Thread(target=tick) for _ in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


FAULT = Fault("two schedulers", "several schedulers tick at once, one is killed", run)
