"""`taskhub connections sync` takes in everything there is, over a real wire; work is made of it only when asked for."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskhub.cli.app import app
from taskhub.clock import real_now
from taskhub.testing.clock import SetClock
from taskhub.testing.crm import pipedrive
from taskhub.testing.crm.wire import served
from tests.architecture.source import ROOT

USER = 12415231


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    for name in ("DATABASE_URL", "REDIS_URL", "CONFIG", "DATA", "LOG_FORMAT"):
        monkeypatch.delenv(f"TASKHUB_{name}", raising=False)
    monkeypatch.setenv("TASKHUB_PIPEDRIVE_TOKEN", pipedrive.api.TOKEN)
    monkeypatch.setenv("TASKHUB_PIPEDRIVE_PATH_SECRET", "s3cret-part")
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda *words: CliRunner().invoke(app, list(map(str, words)))
    root.handlers[:], root.level = before


@pytest.mark.slow
def test_a_first_sync_is_counted_taken_in_once_and_makes_work_when_asked(
    run: Callable[..., Result], tmp_path: Path
) -> None:  # fmt: skip
    fake = pipedrive.FakePipedrive(SetClock(real_now()))
    won = fake.state.add("deal", {"title": "Acme", "value": 5}, by=USER)
    fake.state.change("deal", str(won["id"]), {"status": "won"}, by=USER)
    fake.state.add("deal", {"title": "Odd", "value": "much"}, by=USER)
    fake.state.add("lead", {"title": "Zenith"}, by=USER)
    config, data = tmp_path / "config", tmp_path / "data"
    shutil.copytree(ROOT / "config", config)
    with served(fake) as base:
        file = config / "connections.toml"
        said = file.read_text().replace("[connection.settings]\n", f'[connection.settings]\nbase_url = "{base}"\n', 1)
        file.write_text(said)
        assert run("config", "apply", config, "--data", data).exit_code == 0

        def sync(*words: str) -> dict[str, object]:
            done = run("connections", "sync", "pipedrive", "--data", data, "--json", *words)
            assert done.exit_code == 0, done.output
            return dict(json.loads(done.stdout))

        counted = sync("--create-tasks")
        assert (counted["done"], counted["stored"]) == (False, 0)
        assert (counted["records"], counted["new"]) == ({"lead": 1, "deal": 1}, {"lead": 1, "deal": 1})
        assert (counted["unread"], counted["refused"]) == (1, {})
        assert sum(counted["tasks"].values()) >= 1  # type: ignore[attr-defined]
        taken = sync()
        assert (taken["done"], taken["stored"], taken["tasks"]) == (True, 3, {})
        assert sync()["stored"] == 0
        made = sync("--create-tasks", "--yes")
        assert (made["done"], made["stored"], made["tasks"]) == (True, 2, counted["tasks"])
        told = run("connections", "sync", "pipedrive", "--data", data, "--create-tasks")
        assert "Nothing was written" in told.stdout
        assert "GET /api/v1/events?state=quarantined" in told.stdout
        found = run("doctor", "--data", data, "--json")
        lines = {one["name"]: one["state"] for one in json.loads(found.stdout)["findings"]}
        assert lines["connection pipedrive"] == "ok"
    assert run("connections", "sync", "nobody", "--data", data).exit_code == 1
