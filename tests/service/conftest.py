"""The command line on a data folder of its own, with the example policies; somebody who is told what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskhub.cli.app import app
from tests.service.receiver import Receiver

Run = Callable[..., Result]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder where nothing is yet, and no setting that names another place."""
    for name in ("DATABASE_URL", "REDIS_URL", "CONFIG", "DATA", "LOG_FORMAT"):
        monkeypatch.delenv(f"TASKHUB_{name}", raising=False)
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Run:
    """Runs ``taskhub WORDS --data FOLDER``."""

    def command(*words: object) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])

    assert command("config", "apply").exit_code == 0
    return command
