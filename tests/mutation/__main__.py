"""`make mutation`: how many small faults in the rules of assignment the tests notice. ARGS="--only models" narrows it.

Each mutant runs in a process of its own, forked from one that has the libraries loaded: first the quick tests of that
part, then, where those are content, the slower ones. A mutant that makes them hang counts as noticed.
"""

import argparse
import ast
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

import taskhub.bootstrap  # noqa: F401  loads the libraries once for all processes
from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
BAR = 0.85
LONGEST_S = 120
UNIT, PROPERTY = "tests/unit/assignment/", "tests/property/"
# Part -> its files, its quick tests, its slower ones.
PARTS: dict[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "strategies": (
        "taskhub/assignment/strategies/*.py",
        (UNIT + "test_strategies.py", UNIT + "test_examples.py", UNIT + "test_serving.py"),
        (UNIT + "test_contract.py", PROPERTY + "test_turns.py"),
    ),
    "models": (
        "taskhub/assignment/models/*.py",
        (UNIT + "test_models.py", UNIT + "test_plans.py", UNIT + "test_examples.py", UNIT + "test_serving.py"),
        (UNIT + "test_contract.py", PROPERTY + "test_plans.py"),
    ),
    "params": ("taskhub/assignment/params.py", (UNIT + "test_models.py", UNIT + "test_strategies.py"), ()),
    "eligibility": (
        "taskhub/assignment/eligibility.py",
        (UNIT + "test_eligibility.py", UNIT + "test_decide.py", UNIT + "test_manual.py", UNIT + "test_examples.py"),
        (UNIT + "test_contract.py",),
    ),
    "order": ("taskhub/tasks/order.py", ("tests/unit/tasks/test_order.py",), (PROPERTY + "test_waiting.py",)),
}
STALE = ("taskhub.assignment", "taskhub.tasks", "taskhub.testing", "tests.unit", "tests.property")


class Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant to whoever imports the module."""

    def __init__(self, name: str, path: Path, mutant: Mutant) -> None:
        self.name, self.path, self.mutant = name, path, mutant

    def find_spec(self, name: str, path: object, target: object = None) -> object:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.tree, str(self.path), "exec"), module.__dict__)


def survives(path: Path, mutant: Mutant, tests: Sequence[str]) -> bool:
    """Whether these tests are content with the mutant."""
    child = os.fork()
    if not child:
        _try(path, mutant, tests)
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _try(path: Path, mutant: Mutant, tests: Sequence[str]) -> NoReturn:
    os.setpgrp()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    for loaded in [one for one in sys.modules if one.startswith(STALE)]:
        del sys.modules[loaded]
    sys.meta_path.insert(0, Instead(_name(path), path, mutant))
    code: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    finally:
        os._exit(int(code != pytest.ExitCode.OK))


def tried(part: str, chosen: str, every: int) -> Iterator[bool]:
    """Each mutant of a part: whether it was noticed. Names those that were not."""
    pattern, quick, slow = PARTS[part]
    paths = [path for path in sorted(ROOT.glob(pattern)) if chosen in path.name]
    if paths:
        _sound(paths[0], (*quick, *slow))
    for path in paths:
        for mutant in list(mutants(path.read_text()))[::every]:
            survived = survives(path, mutant, quick) and not (slow and not survives(path, mutant, slow))
            if survived:
                print(f"survived  {path.relative_to(ROOT)}:{mutant.line}  {mutant.what}", flush=True)
            yield not survived


def _sound(path: Path, tests: Sequence[str]) -> None:
    """The tests are content with the module as it is, or they would notice everything."""
    plain = Mutant(0, "nothing", ast.parse(path.read_text()))
    if not survives(path, plain, tests):
        raise SystemExit(f"{', '.join(tests)} fail without any mutant")


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def main() -> int:
    """Returns 0 when enough of them were noticed."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="this part alone; may be repeated")
    parser.add_argument("--file", default="", help="only files whose name contains this")
    parser.add_argument("--every", type=int, default=1, help="take every n-th mutant")
    wishes = parser.parse_args()
    os.chdir(ROOT)
    made: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    for part in wishes.only or PARTS:
        for one in tried(part, wishes.file, wishes.every):
            made[part] += 1
            noticed[part] += one
        if made[part]:
            print(f"{part}: {noticed[part]} of {made[part]} noticed, {noticed[part] / made[part]:.1%}", flush=True)
    share = sum(noticed.values()) / max(1, sum(made.values()))
    print(f"all: {sum(noticed.values())} of {sum(made.values())} noticed, {share:.1%}; bar {BAR:.0%}")
    return 0 if share >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
