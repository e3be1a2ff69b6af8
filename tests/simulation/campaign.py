"""Many seeds one after the other, the trace of one, and the few steps a failure needs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

from tests.simulation.run import Result, run
from tests.simulation.world import Ground

EVERY = 10


def run_all(seeds: Iterable[int], steps: int, *, trace: bool = False, stop: bool = False) -> int:
    """Prints what failed, with its seed, and a last line that sums up. Returns 1 when anything failed."""
    ground, began = Ground(), time.monotonic()
    done = failed = total = deaths = events = 0
    all_ = hashlib.sha256()
    for seed in seeds:
        found = run(ground, seed, steps)
        done, total = done + 1, total + found.steps
        deaths, events = deaths + found.deaths, events + found.events
        all_.update(found.digest.encode())
        if trace:
            print("\n".join(found.log))
            print(f"trace {found.digest}")
        if found.wrong:
            failed += 1
            print(f"seed {seed}, step {found.steps}: {found.wrong}", flush=True)
            if stop:
                print(f"found after {done} seeds: {found.wrong[:90]}")
                return 1
        elif done % EVERY == 0:
            print(
                f"{done} seeds, {failed} failed, {(time.monotonic() - began) / total * 1000:.1f} ms a step", flush=True
            )
    spent = time.monotonic() - began
    print(
        f"{done} seeds x {steps} steps: {done - failed} clean, {failed} failed; {total} steps, {events} events and"
        f" {deaths} deaths in {spent:.0f} s, {total / spent:.0f} steps a second; traces {all_.hexdigest()[:16]}"
    )
    return 1 if failed else 0


def shrink(seed: int, steps: int) -> int:
    """Leaves out steps as long as the run fails in the same way; prints what is left."""
    ground = Ground()
    first = run(ground, seed, steps)
    if not first.wrong:
        print(f"seed {seed} holds")
        return 0
    without, found = shrunk(ground, first)
    print("\n".join(found.log))
    print(f"seed {seed} fails with {first.steps - len(without)} of {first.steps} steps: {found.wrong}")
    return 1


def shrunk(ground: Ground, first: Result) -> tuple[set[int], Result]:
    """The steps the failure of ``first`` does not need, and the run without them."""
    kind, without, best = first.wrong[:20], set[int](), first
    size = max(1, first.steps // 2)
    while size:
        for begin in range(first.steps - size, -size, -size):
            chunk = set(range(max(0, begin), begin + size)) - without
            if not chunk:
                continue
            found = run(ground, first.seed, first.steps, without=without | chunk)
            if found.wrong[:20] == kind:
                without, best = without | chunk, found
        size //= 2
    return without, best
