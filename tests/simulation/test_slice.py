"""A slice of `make simulation`: some seeds hold, the same seed does the same, and planted faults are found."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskhub import failpoints, ids
from tests.simulation import campaign
from tests.simulation.bugs import BUGS, faulty
from tests.simulation.run import Result, run
from tests.simulation.world import Ground

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    logging.disable(logging.CRITICAL)
    yield Ground()
    logging.disable(logging.NOTSET)
    failpoints.arm(None)
    ids.draw_from(None, None)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2_026, 2_027, 2_029])
def test_a_seed_holds(ground: Ground, seed: int) -> None:
    found = run(ground, seed, 250)
    assert found.wrong == "", "\n".join(found.log[-20:])


def test_the_same_seed_does_the_same_whatever_ran_before(ground: Ground) -> None:
    first, other, again = run(ground, 7, 120), run(ground, 8, 60), run(ground, 7, 120)
    assert first.log == again.log
    assert first.digest == again.digest != other.digest


@pytest.mark.slow
@pytest.mark.parametrize(("name", "said"), [("lease.any-token", "lease: "), ("ledger.takes-the-held", "ledger: ")])
def test_a_planted_fault_is_found(name: str, said: str) -> None:
    asked = ["--plant", name, "--seeds", "4", "--steps", "300"]
    command = [sys.executable, "-m", "tests.simulation", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_fault_has_its_place(bug: object) -> None:
    path = ROOT / f"{bug.module.replace('.', '/')}.py"
    source = path.read_text(encoding="utf-8")
    assert compile(faulty(source, bug), path, "exec")
    assert faulty(source, bug) != source


def test_a_failure_is_shrunk_to_the_steps_it_needs(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_ground: Ground, seed: int, steps: int, *, without: frozenset[int] = frozenset()) -> Result:
        needed = {3, 17} - set(without)
        return Result(seed, steps, "lease: two holders of it" if len(needed) == 2 else "", "", 0, 0)

    monkeypatch.setattr(campaign, "run", fails)
    without, found = campaign.shrunk(ground, fails(ground, 1, 30))
    assert found.wrong
    assert set(range(30)) - without == {3, 17}
