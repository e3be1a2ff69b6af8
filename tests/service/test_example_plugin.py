"""The example package installs like any other, is found by its entry points and decides a pass."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taskhub import bootstrap
from taskhub.assignment import installed, why
from taskhub.db.tables import decision, plugin_state
from taskhub.db.tables import task as task_table
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.testing import organisation as org
from tests.service.desk import Desk
from tests.service.plugged import present

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "nearest_office"
PARIS, LYON = [48.86, 2.35], [45.76, 4.84]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed into a folder of its own; no network."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install .[dev]")
    source, target = tmp_path_factory.mktemp("source") / "nearest_office", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source)
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def policies(model: str = "dedicated") -> object:
    params = {"team": "specialists"} if model == "dedicated" else {"opens_at": 0, "closes_at": 24}
    staffing = Staffing(model, params, "nearest_office", {"place": PARIS, "near_km": 25})
    return org.policies(
        queues=[org.queue("paris", calendar="always", staffing=staffing)],
        kinds=[Kind("visit", LocalText("Visit"), "paris")],
    )


def test_it_decides_passes_and_its_decisions_run_again(database_url: str, site: Path) -> None:
    with present(site):
        assert installed.plugins().broken == {}
        assert "nearest_office" in bootstrap.known().strategies
        assert "office_hours" in bootstrap.known().models
        desk = Desk(database_url, policies())
        desk.staff("specialists", "lyn", attributes={"place": LYON})
        desk.staff("specialists", "pam", attributes={"place": PARIS})
        for _ in range(4):
            desk.make("visit")
            desk.drain()
        assert [row.agent for row in desk.rows(task_table)] == ["pam", "pam", "pam", "lyn"]
        assert {(row.strategy, row.strategy_version) for row in desk.rows(decision)} == {("nearest_office", "1.0")}
        assert desk.rows(plugin_state) == []
        with desk.db.read() as tx:
            told = [why.why(tx, row.id, table=installed.asked()) for row in desk.rows(task_table)]
        assert {one["rerun"] for one in told} == {"same"}
        first = told[0]["candidates"]
        assert [(one["agent"], one["score"][0]) for one in first] == [("pam", 0), ("lyn", 15)]
        desk.db.close()


def test_its_model_opens_and_shuts_the_pool(sqlite_url: str, site: Path) -> None:
    with present(site):
        desk = Desk(sqlite_url, policies("office_hours"))
        desk.staff("specialists", "pam", attributes={"place": PARIS})
        desk.make("visit")
        desk.drain()
        days_to_saturday = (5 - desk.clock.now.weekday()) % 7
        assert desk.rows(task_table)[0].agent == ("pam" if days_to_saturday not in (0, 6) else None)
        desk.clock.forward(days=days_to_saturday)
        made = desk.make("visit")
        desk.drain()
        assert (desk.task(made).agent, desk.task(made).waiting_reasons) == (None, ["pool_empty"])
        desk.db.close()


def test_parameters_it_refuses_are_refused_with_its_words(site: Path) -> None:
    from taskhub.assignment import serving

    with present(site):
        bad = org.queue("paris", staffing=Staffing("office_hours", {"opens_at": 25}, "nearest_office", {"place": 1}))
        found = {path: message for path, message, _ in serving.complaints(bad, installed.plugins())}
    assert found == {
        "staffing.strategy_params.place": "must be [latitude, longitude] in degrees",
        "staffing.params.opens_at": "must be a whole hour from 0 to 24",
    }
