"""mypy, strict, over the whole package."""

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT


@pytest.mark.slow
def test_the_package_is_typed_strictly() -> None:
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"
