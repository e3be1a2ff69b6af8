"""`make faults`: the whole campaign on servers of its own. ARGS="--seed 7 --events 500 --kills 5" changes it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path

from tests.databases import PostgresDatabases
from tests.faults.campaign import Plan, run
from tests.servers import start_postgres, start_redis


def main() -> int:
    """Returns 0 when everything held."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    for each in fields(Plan):
        parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    parser.add_argument("--runs", type=int, default=1, help="so many seeds, one after the other")
    wishes = vars(parser.parse_args())
    runs = wishes.pop("runs")
    plan = Plan(**wishes)
    wrong = 0
    with start_postgres(durable=True) as postgres, tempfile.TemporaryDirectory() as folder:
        databases = PostgresDatabases(postgres.url, "faults")
        for seed in range(plan.seed, plan.seed + runs):
            with start_redis() as redis:
                urls = databases.create(), databases.create()
                logs = Path(folder) / str(seed)
                logs.mkdir()
                report = run(replace(plan, seed=seed), urls, redis, logs)
                print(report, flush=True)
                wrong += bool(report.wrong)
    print(f"{runs - wrong} of {runs} runs held")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
