"""Runs the benchmarks and prints one table: `python -m benchmarks [NAME …]`; without names, all of them.

A line that says **no** is below its bar, and the program ends with 1.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import before, burst, calendar_add, claims, decide_pass, events, evidence
from benchmarks.table import Figure, markdown


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
    "burst": burst.run,
    "before": before.run,
    "calendar": _calendar,
    "decide": _decide,
    "audit": evidence.run_audit,
    "metrics": evidence.run_metrics,
}


def main(names: Iterable[str]) -> int:
    chosen = list(names) or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        print(f"There is no benchmark {', '.join(unknown)}. Benchmarks: {', '.join(BENCHMARKS)}.")
        return 2
    figures: list[Figure] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name]()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}\n\n{markdown(figures)}")
    return 1 if any(one.holds is False for one in figures) else 0


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
