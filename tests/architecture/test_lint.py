"""ruff, with every rule on but those argued away in pyproject.toml."""

import subprocess
import sys

from tests.architecture.source import ROOT


def _ruff(*arguments: str) -> None:
    command = [sys.executable, "-m", "ruff", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


def test_no_rule_of_the_linter_is_broken() -> None:
    _ruff("check", "--output-format=concise", ".")


def test_every_file_is_formatted() -> None:
    _ruff("format", "--check", ".")
