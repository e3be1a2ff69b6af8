"""A seeded slice of the campaign that `make faults` runs whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import PostgresDatabases
from tests.faults.campaign import Plan, run
from tests.servers import ServerMissing, start_redis

SLICE = Plan(seed=20_261_123, events=300, kills=4, flushes=2, absent=3.0, pause=0.25, most=20, every=10)


@pytest.mark.slow
def test_the_tasks_are_those_of_a_quiet_day(postgres_databases: PostgresDatabases, tmp_path: Path) -> None:
    urls = postgres_databases.create(), postgres_databases.create()
    try:
        server = start_redis()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    try:
        with server:
            report = run(SLICE, urls, server, tmp_path)
    finally:
        for url in urls:
            postgres_databases.drop(url)
    print(f"\n{report}")
    assert report.wrong == [], str(report)
    assert (report.kills, report.flushes) == (SLICE.kills, SLICE.flushes)
