"""`make faults`: every fault, each with seeds of its own. ARGS="--only forked --runs 20 --seed 7 --json out.json"."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from tests.faults import places, result
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.kinds import all_faults
from tests.faults.plan import Plan
from tests.faults.result import Result

told_to_end = threading.Event()


def main() -> int:
    """Returns 0 when everything held."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)  # whatever was started ends with us
    known = all_faults()
    wishes = _wishes(known)
    chosen = [known[name] for name in wishes.pop("only") or known]
    runs, minutes, file = wishes.pop("runs"), wishes.pop("minutes"), wishes.pop("json")
    plan = Plan(**wishes)
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    found: list[Result] = []
    with Ground(plan) as ground:
        for number, (fault, seed) in enumerate(_order(chosen, plan.seed, runs), 1):
            if time.monotonic() > end:
                print(f"{minutes:g} minutes are over", flush=True)
                break
            print(f"[{number} of {len(chosen) * runs}] {fault.name}, seed {seed}: {fault.about}", flush=True)
            found.append(_run(fault, ground, seed))
            print(found[-1], flush=True)
            if file is not None:
                result.write(file, found)
    print(f"\n{result.table(found)}\n\n{_passed(found)}")
    return 1 if any(one.wrong for one in found) or not found else 0


def _end(*_: object) -> None:
    told_to_end.set()
    sys.exit(1)


def _order(chosen: Sequence[Fault], first: int, runs: int) -> Iterator[tuple[Fault, int]]:
    """Every fault once, then every fault again: a campaign cut short has seen all of them."""
    for seed in range(first, first + runs):
        for fault in chosen:
            yield fault, seed


def _run(fault: Fault, ground: Ground, seed: int) -> Result:
    try:
        return fault.run(ground, seed)
    except Exception:  # noqa: BLE001
        if told_to_end.is_set():
            raise SystemExit(1) from None  # what ends before its time fails, too, which is no news
        if not ground.postgres.alive():
            ground.postgres.start()
        return Result(fault.name, seed, wrong=[f"the run itself failed:\n{traceback.format_exc()}"])


def _passed(found: Sequence[Result]) -> str:
    struck = sum((one.struck for one in found), Counter[str]())
    passed = {name for one in found for name in one.passed} | struck.keys()
    every = places.in_source().keys()
    missed = f"; never passed: {', '.join(sorted(every - passed))}" if passed and every - passed else ""
    lines = [f"{len(passed)} of {len(every)} failpoints passed, {len(struck)} of them struck{missed}"]
    lines.append(f"{struck.total()} strikes at failpoints, seeds are printed above: --seed replays one")
    return "\n".join(lines)


def _wishes(known: dict[str, Fault]) -> dict[str, object]:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    about = "\n".join(f"{one.name}: {one.about}" for one in known.values())
    parser.add_argument("--only", action="append", choices=list(known), metavar="FAULT", help=about)
    parser.add_argument("--runs", type=int, default=1, help="so many seeds of every fault, one after the other")
    parser.add_argument("--minutes", type=float, default=0, help="begin no further run after so many minutes")
    parser.add_argument("--json", type=Path, help="write every result into this file")
    for each in fields(Plan):
        if each.default is not MISSING:
            parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    return vars(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
