"""One pytest session that runs its tests again for every mutant, each time in a process forked from it.

Collected once, so that a mutant costs what the tests up to the first failure cost. The mutant is put into the module
that everybody has imported already; the test that noticed the last one is asked first.
"""

import ast
import contextlib
import importlib
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import pytest

from tests.mutation.mutants import Mutant, mutants

# The tests alone may take so long; a mutant that takes many times as long as they did hangs.
LONGEST_S = 1_200
TIMES = 4


@dataclass
class Campaign:
    """A plugin of pytest: the files to put mutants into, and what came out for each."""

    paths: Sequence[Path]
    every: int = 1
    made: int = 0
    survived: list[str] = field(default_factory=list)
    sound: bool = False
    _failed: bool = False
    _limit_s: float = LONGEST_S

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of one run of the tests: one run without a mutant, then one for each."""
        items = list(session.items)
        began = time.monotonic()
        self.sound = not session.testsfailed and self._killer(items, None) is None
        self._limit_s = 10 + TIMES * (time.monotonic() - began)
        for path, mutant in self._mutants() if self.sound else ():
            self.made += 1
            killer = self._killer(items, (path, mutant))
            if killer is None:
                self.survived.append(f"{path}:{mutant.line}  {mutant.what}")
                os.write(2, f"survived  {self.survived[-1]}\n".encode())
            elif killer >= 0:
                items.insert(0, items.pop(killer))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Any phase that fails."""
        self._failed = self._failed or report.failed

    def _mutants(self) -> Iterator[tuple[Path, Mutant]]:
        for path in self.paths:
            for mutant in list(mutants(path.read_text()))[:: self.every]:
                yield path, mutant

    def _killer(self, items: list[pytest.Item], fault: tuple[Path, Mutant] | None) -> int | None:
        """The place of the test that notices; -1 when the module breaks or hangs, None when nobody notices."""
        ears, mouth = os.pipe()
        child = os.fork()
        if not child:
            os.close(ears)
            self._try(items, fault, mouth)
        os.close(mouth)
        heard = os.read(ears, 16) if select.select([ears], [], [], self._limit_s)[0] else b"-1"
        os.close(ears)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        answer = int(heard or b"-1")
        return None if answer == len(items) else answer

    def _try(self, items: list[pytest.Item], fault: tuple[Path, Mutant] | None, mouth: int) -> NoReturn:
        answer = -1
        try:
            if fault:
                put_in(*fault)
            answer = next((place for place, item in enumerate(items) if self._notices(item)), len(items))
        finally:
            os.write(mouth, str(answer).encode())
            os._exit(0)

    def _notices(self, item: pytest.Item) -> bool:
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self._failed


def put_in(path: Path, mutant: Mutant) -> None:
    """Make the imported module behave like the mutant: in its own objects, which others hold already."""
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(ast.fix_missing_locations(mutant.tree), str(path), "exec"), fresh.__dict__)
    for name, new in vars(fresh).items():
        old = vars(module).get(name)
        if name.startswith("__") or getattr(new, "__module__", module.__name__) != module.__name__:
            continue
        if isinstance(new, type) and isinstance(old, type):
            _put_class(old, new)
        elif not _put_function(old, new) and not isinstance(old, tuple(_classes(module))):
            setattr(module, name, new)


def _classes(module: ModuleType) -> list[type]:
    return [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]


def _put_class(old: type, new: type) -> None:
    for name, value in vars(new).items():
        before = vars(old).get(name)
        if name in {"__dict__", "__weakref__", "__doc__", "__slots__"} or _put_function(before, value):
            continue
        with contextlib.suppress(AttributeError, TypeError):
            setattr(old, name, value)


def _put_function(old: Any, new: Any) -> bool:
    """Give a function the body of another; also behind a cache or a property."""
    for name in ("__wrapped__", "fget"):
        if hasattr(old, name) and hasattr(new, name):
            getattr(old, "cache_clear", lambda: None)()
            return _put_function(getattr(old, name), getattr(new, name))
    if not (isinstance(old, FunctionType) and isinstance(new, FunctionType)):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True
