"""`make simulation`: the services in one process, a seed decides everything. ARGS="--seeds 1000" runs seeds 1..1000.

ARGS="--seed 4711 --trace" replays one byte for byte; "--shrink" leaves out what the failure does not need; "--bugs"
plants every fault of bugs.py in turn and says after how many seeds it was found.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import time

SEEDS, STEPS = 200, 500
BAR = 0.95


def main() -> int:
    """Returns 0 when everything held, or enough bugs were found."""
    wishes = _wishes()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of names are walked in the order of their hashes: the same in every process, or a seed says nothing.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    logging.disable(logging.CRITICAL)
    if wishes.bugs:
        return _hunt(wishes)
    if wishes.plant:
        from tests.simulation.bugs import plant

        plant(wishes.plant)
    from tests.simulation import campaign

    if wishes.shrink:
        return campaign.shrink(wishes.seed, wishes.steps)
    first = wishes.seed if wishes.seed is not None else wishes.first
    last = first if wishes.seed is not None else first + wishes.seeds - 1
    return campaign.run_all(range(first, last + 1), wishes.steps, trace=wishes.trace)


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds, one after the other")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--trace", action="store_true", help="print what happened, step by step")
    parser.add_argument("--shrink", action="store_true", help="find the steps that --seed needs in order to fail")
    parser.add_argument("--bugs", action="store_true", help="plant every fault of bugs.py, say when it was found")
    parser.add_argument("--only", default="", help="with --bugs: those whose name contains this")
    parser.add_argument("--plant", metavar="BUG", help="this fault is in the product")
    wishes = parser.parse_args()
    if wishes.shrink and wishes.seed is None:
        parser.error("--shrink needs --seed")
    return wishes


def _hunt(wishes: argparse.Namespace) -> int:
    from tests.simulation.bugs import BUGS

    for library in ("apprise", "fastapi", "holidays", "psycopg", "sqlalchemy", "starlette"):
        importlib.import_module(library)
    chosen = [bug for bug in BUGS if wishes.only in bug.name]
    missed, began = [], time.monotonic()
    for bug in chosen:
        code, told = _in_a_child(bug.name, wishes)
        if code != 1:
            missed.append(bug)
        print(f"{bug.name:32} {told if code == 1 else f'NOT FOUND: {bug.breaks}; {told}'}", flush=True)
    found, spent = len(chosen) - len(missed), time.monotonic() - began
    share = found / max(1, len(chosen))
    print(f"{found} of {len(chosen)} bugs found, {share:.1%}, in {spent:.0f} s; bar {BAR:.0%}")
    return 0 if share >= BAR else 1


def _in_a_child(name: str, wishes: argparse.Namespace) -> tuple[int, str]:
    """Plants and looks in a fork of this process, which has loaded nothing of the product; its last line."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        code = 2
        try:
            code = _planted(name, range(wishes.first, wishes.first + wishes.seeds), wishes.steps)
            sys.stdout.flush()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as told:
        lines = told.read().strip().splitlines()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), lines[-1] if lines else "it ended without a word"


def _planted(name: str, seeds: range, steps: int) -> int:
    """Puts the fault in before anything of the product is loaded; runs until it is found."""
    from tests.simulation.bugs import plant

    plant(name)
    from tests.simulation import campaign

    return campaign.run_all(seeds, steps, stop=True)


if __name__ == "__main__":
    sys.exit(main())
