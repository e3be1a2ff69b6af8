"""A worker as a process of its own: ``python -m tests.service.program URL FOLDER [processes]``.

A row of the topic ``work`` does what its key says: ``die`` kills the process, ``hang…`` waits for a file called ``go``.
Each beginning is a line in the file ``begun``; ``ended`` appears when the worker has stopped in order.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from taskhub.db import ledger
from taskhub.workers import pulse, run_until_stopped, supervise
from taskhub.workers.worker import Worker
from tests.service.house import House, note, wait_for

URL, FOLDER, *PROCESSES = sys.argv[1:]


def work(tx, row):
    with (Path(FOLDER) / "begun").open("a") as begun:
        begun.write(f"{row.key}\n")
    if row.key == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if row.key.startswith("hang"):
        wait_for((Path(FOLDER) / "go").exists)
    note(tx, row)


def main() -> int:
    return supervise(at_work, int(PROCESSES[0])) if PROCESSES else at_work()


def at_work() -> int:
    ledger.HOLD = timedelta(seconds=1)
    ledger.BACKOFF = (timedelta(seconds=0.1),) * 3
    pulse.PROLONG_EVERY = 0.2
    house = House(URL)
    with house.closing:
        code = run_until_stopped(Worker(house.database, {"work": work}, threads=2))
    (Path(FOLDER) / "ended").touch()
    return code


if __name__ == "__main__":
    sys.exit(main())
