"""Plug-ins of others for a test: a distribution written to a folder, found by its entry points like any other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskhub.assignment import in_force, installed
from taskhub.assignment.foreign.process import Process

HEAD = """
from taskhub.assignment.seams import PlainStrategy

class Bad(PlainStrategy):
    name, version, parts = "bad", "1", ("load",)

    def key(self, who, shape, queue):
        return (who.load,)

class BadModel:
    name, version = "bad_model", "1"

    def refused(self, ask):
        return {}

    def check(self, params, teams):
        return iter(())
"""


@contextmanager
def present(folder: Path | None, *, deadline: float = 1.0) -> Iterator[None]:
    """What is installed in ``folder`` is found, in this process and in its child."""
    before, process = list(sys.path), installed._process
    if folder is not None:
        sys.path.insert(0, str(folder))
    installed._process = Process(deadline=deadline)
    _look_again()
    try:
        yield
    finally:
        installed._process.close()
        installed._process = process
        sys.path[:] = before
        _look_again()


def _look_again() -> None:
    importlib.invalidate_caches()
    installed.plugins.cache_clear()
    in_force._known.clear()


def written(folder: Path, body: str, version: str = "1") -> Path:
    """A module ``bad_plugin`` made of HEAD and ``body``, with the strategy ``bad`` and the model ``bad_model``."""
    folder.mkdir(parents=True, exist_ok=True)
    source = (HEAD + body).replace('"1"', f'"{version}"')
    (folder / "bad_plugin.py").write_text(source + "\nbad, bad_model = Bad(), BadModel()\n", encoding="utf-8")
    info = folder / f"bad-{version}.dist-info"
    for old in folder.glob("*.dist-info"):
        if old != info:
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bad\nVersion: {version}\n", encoding="utf-8")
    strategies, models = "bad = bad_plugin:bad", "bad_model = bad_plugin:bad_model"
    text = f"[taskhub.strategies]\n{strategies}\n[taskhub.staffing_models]\n{models}\n"
    (info / "entry_points.txt").write_text(text, encoding="utf-8")
    return folder
