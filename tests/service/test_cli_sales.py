"""``taskhub sales progress``: the report of the API, for whoever sits at the machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from taskhub.acts import converting, selling
from taskhub.agents import service as agents
from taskhub.cli import place
from taskhub.cli.app import app
from taskhub.db.tx import By
from taskhub.sales.conversion import Asked

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in ("DATABASE_URL", "REDIS_URL", "CONFIG", "DATA", "LOG_FORMAT"):
        monkeypatch.delenv(f"TASKHUB_{name}", raising=False)
    data = tmp_path / "data"

    def command(*words: object) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])

    assert command("config", "apply").exit_code == 0
    with place.existing(data) as db:
        with db.begin() as tx:
            agents.create_agent(tx, {"key": "rob", "name": "Rob", "team": "front-line", "roles": ["rep"]})
        with db.begin(By("agent:rob", "rep", "rob", "front-line", ("rep",)), act="lead.convert") as tx:
            lead = selling.create(tx, "lead", {"name": "Ann", "company": "Roux", "amount": "10.10"})
            converting.convert(tx, lead.ref.id, Asked(deal={}))
            selling.create(tx, "lead", {"name": "Zoe"})
    return command


def test_progress_of_everybody_a_team_and_a_person(run: Run) -> None:
    for which in ((), ("--team", "front-line"), ("--agent", "rob")):
        said = json.loads(run("sales", "progress", *which, "--json").stdout)
        leads = next(item for item in said["items"] if item["pipeline"] == "leads")
        assert (leads["created"], leads["converted"], leads["open"]) == (2, 1, 1)
        assert leads["amounts"] == {"EUR": "10.10"}
        assert len(said["owing"]) == 1
    shown = run("sales", "progress").stdout
    assert "leads: 2 created, 1 converted, 0 lost (100%), 1 open, 10.10 EUR" in shown
    assert "Conversions without any work: 1" in shown


def test_who_is_not_there_is_said_in_a_sentence(run: Run) -> None:
    for words in (("--agent", "nobody"), ("--team", "nobody"), ("--since", "soon")):
        said = run("sales", "progress", *words)
        assert said.exit_code != 0
        assert "Traceback" not in said.output
