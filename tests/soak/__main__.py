"""`make soak`: 200,000 claims by many hands on PostgreSQL. ARGS="--claims 5000 --seed 7" changes it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from tests.databases import PostgresDatabases
from tests.servers import start_postgres
from tests.soak.campaign import Plan, run


def main() -> int:
    """Returns 0 when everything held."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    for each in fields(Plan):
        parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    plan = Plan(**vars(parser.parse_args()))
    shown = [0]

    def progress(done: int, of: int) -> None:
        if done * 20 // of > shown[0]:
            shown[0] = done * 20 // of
            print(f"{done} of {of} claims", flush=True)

    with start_postgres() as postgres:  # nothing crashes here: who holds what does not hang on the disk
        report = run(plan, PostgresDatabases(postgres.url, "soak").create(), progress)
    print(report)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
