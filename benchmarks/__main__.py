"""Runs the benchmarks and prints one table. A line that says **no** is below its bar, and the program ends with 1."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    away,
    before,
    burst,
    calendar_add,
    claims,
    decide_pass,
    duplicates,
    events,
    evidence,
    hooks,
    importing,
    rescue,
    rolling,
    search,
    sizes,
    timers,
)
from benchmarks.table import Figure, facts, markdown


def _calendar() -> list[Figure]:
    rows = calendar_add.run()["rows"]
    mine, theirs = [row["ours_per_s"] for row in rows], [row["baseline_per_s"] for row in rows]
    return [Figure("calendar add", "a second, beside businesstimedelta", mine, theirs, least=20)]


def _decide() -> list[Figure]:
    found = decide_pass.run()
    passes = [
        Figure(
            f"pass of 10,000 tasks, 200 people: {name}",
            "s",
            [one["seconds"]],
            ceiling=3 if name == "round_robin" else 6,
        )
        for name, one in found["pass_10000_tasks_200_people"].items()
    ]
    growth = [
        Figure(f"the same with 2,000 people: {name}", "s, beside 200", [took["2000"]], [took["200"]], most=10)
        for name, took in found["pass_10000_tasks_by_people_s"].items()
    ]
    return passes + growth


BENCHMARKS: Mapping[str, Callable[[], list[Figure]]] = {
    "claim": claims.run,
    "commits": claims.run_commits,
    "backlog": claims.run_backlog,
    "events": events.run,
    "hooks": hooks.run,
    "import": importing.run,
    "burst": burst.run,
    "before": before.run,
    "timers": timers.run,
    "redis_away": away.run_redis,
    "postgres_away": away.run_postgres,
    "rescue": rescue.run,
    "rolling": rolling.run,
    "calendar": _calendar,
    "decide": _decide,
    "audit": evidence.run_audit,
    "metrics": evidence.run_metrics,
    "duplicates": duplicates.run,
    "search": search.run,
}


def main(arguments: Sequence[str]) -> int:
    """Returns 1 when a bar does not hold, 2 for a name that is unknown."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.name if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    sizes.small = chosen.small
    figures: list[Figure] = []
    for name in chosen.name or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = BENCHMARKS[name]()
        if len(chosen.name) != 1:  # whoever stops it now keeps what was measured
            print(markdown(found), file=sys.stderr, flush=True)
        figures += found
    head = f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}{', small sizes' if chosen.small else ''}"
    print(f"{head}\n\n{markdown(figures)}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"ran": head, "figures": [facts(one) for one in figures]}, indent=2) + "\n")
    return 1 if any(one.holds is False for one in figures) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; without names, all of them")
    parser.add_argument("--small", action="store_true", help="little sizes, which show that it runs and no more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    return parser


def _machine() -> str:
    """Cores, processor, memory, load and the Python that ran."""
    cpu = next(iter(_values("/proc/cpuinfo", "model name")), platform.processor() or "unknown processor")
    memory = next((f", {int(kb.split()[0]) // 2**20} GB" for kb in _values("/proc/meminfo", "MemTotal")), "")
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores ({cpu}){memory}, {platform.system()}, Python {platform.python_version()}{load}"


def _values(path: str, name: str) -> list[str]:
    file = Path(path)
    lines = file.read_text().splitlines() if file.exists() else []
    return [value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() == name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
