"""`make soak`: 200,000 claims by many hands on PostgreSQL (ARGS="--claims 5000 --seed 7" changes it), or, with
ARGS="--minutes 30", real processes at half of what they can do for so long, watched all the while."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.databases import PostgresDatabases
from tests.servers import start_postgres, start_redis
from tests.soak import campaign, long, verdict


def main() -> int:
    """Returns 0 when everything held."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    claims = parser.add_argument_group("claims by many hands")
    for each in fields(campaign.Plan):
        claims.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    processes = parser.add_argument_group("real processes")
    processes.add_argument("--minutes", type=float, help="how long")
    processes.add_argument("--measure", type=float, default=long.Plan.measure, help="seconds of measuring before")
    processes.add_argument("--part", type=float, default=long.Plan.part, help="part of what they can do")
    given = vars(parser.parse_args())
    return _long(given) if given["minutes"] else _claims(given)


def _claims(given: Mapping[str, Any]) -> int:
    plan = campaign.Plan(**{each.name: given[each.name] for each in fields(campaign.Plan)})
    shown = [0]

    def progress(done: int, of: int) -> None:
        if done * 20 // of > shown[0]:
            shown[0] = done * 20 // of
            print(f"{done} of {of} claims", flush=True)

    with start_postgres() as postgres:  # nothing crashes here: who holds what does not hang on the disk
        report = campaign.run(plan, PostgresDatabases(postgres.url, "soak").create(), progress)
    print(report)
    return 1 if report.wrong else 0


def _long(given: Mapping[str, Any]) -> int:
    plan = long.Plan(minutes=given["minutes"], measure=given["measure"], part=given["part"])
    with (
        start_postgres(durable=True, settings=long.SERVER) as postgres,
        start_redis(durable=True) as redis,
        tempfile.TemporaryDirectory() as folder,
    ):
        urls = PostgresDatabases(postgres.url, "soak").create(), redis.url
        seen = long.run(plan, urls, Path(folder), lambda told: print(told, flush=True))
    found = verdict.lines(plan, seen)
    print(f"\n{verdict.table(found)}")
    for one in [*seen.broken, *(told for notes in seen.notes for told in notes.wrong[:5])]:
        print(f"WRONG {one}")
    return 1 if any(one.holds is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
