"""`make mutation`: how many small faults in the rules of assignment the tests notice. ARGS="--only models" narrows it.

Each part is asked by its unit tests alone, so the figure is a lower bound; --thorough asks the slower ones too. A
mutant that makes them hang counts as noticed.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutation.campaign import Campaign

ROOT = Path(__file__).parents[2]
BAR = 0.85
UNIT, PROPERTY = "tests/unit/assignment/", "tests/property/"
# Part -> its files, its tests, and those that --thorough adds.
PARTS: dict[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "strategies": (
        "taskhub/assignment/strategies/*.py",
        (UNIT + "test_strategies.py", UNIT + "test_serving.py"),
        (UNIT + "test_contract.py", PROPERTY + "test_turns.py"),
    ),
    "models": (
        "taskhub/assignment/models/*.py",
        (UNIT + "test_models.py", UNIT + "test_plans.py", UNIT + "test_serving.py"),
        (UNIT + "test_contract.py", PROPERTY + "test_plans.py"),
    ),
    "params": ("taskhub/assignment/params.py", (UNIT + "test_models.py", UNIT + "test_strategies.py"), ()),
    "eligibility": (
        "taskhub/assignment/eligibility.py",
        (UNIT + "test_eligibility.py", UNIT + "test_decide.py", UNIT + "test_manual.py"),
        (UNIT + "test_contract.py", PROPERTY + "test_decide.py"),
    ),
    "order": ("taskhub/tasks/order.py", ("tests/unit/tasks/test_order.py",), (PROPERTY + "test_waiting.py",)),
}


def main() -> int:
    """Returns 0 when enough of them were noticed."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this part alone; may be repeated")
    parser.add_argument("--file", default="", help="only files whose name contains this")
    parser.add_argument("--every", type=int, default=1, help="take every n-th mutant")
    parser.add_argument("--thorough", action="store_true", help="ask contract suites and properties too: takes hours")
    wishes = parser.parse_args()
    os.chdir(ROOT)
    made = survived = 0
    lines = []
    for part in wishes.only or PARTS:
        pattern, quick, slow = PARTS[part]
        tests = (*quick, *slow) if wishes.thorough else quick
        paths = [path for path in sorted(Path().glob(pattern)) if wishes.file in path.name]
        campaign = Campaign(paths, wishes.every)
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests], plugins=[campaign])
        if not campaign.sound:
            raise SystemExit(f"{', '.join(tests)} fail without any mutant")
        made += campaign.made
        survived += len(campaign.survived)
        lines.append(_share(part, campaign.made, len(campaign.survived)))
    print("\n".join([*lines, f"{_share('all', made, survived)}; bar {BAR:.0%}"]))
    return 0 if made - survived >= BAR * made else 1


def _share(name: str, made: int, survived: int) -> str:
    return f"{name}: {made - survived} of {made} noticed, {1 - survived / max(1, made):.1%}"


if __name__ == "__main__":
    sys.exit(main())
