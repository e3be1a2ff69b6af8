"""A plug-in is uninstalled while files and switches still name it: the house goes on, says so, and comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from taskhub import bootstrap
from taskhub.acts import staffing
from taskhub.agents import service as agents
from taskhub.assignment import passes, why
from taskhub.assignment.foreign import service as foreign
from taskhub.cli.app import app
from taskhub.db.tables import notification, plugin_state
from taskhub.db.tables import task as task_table
from taskhub.errors import InvalidInput, PolicyError
from tests.service.desk import Desk
from tests.service.plugged import present, written
from tests.service.test_plugins import policies

EXAMPLE = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "site", "")


def opened(url: str, **named: Any) -> Desk:
    desk = Desk(url, policies(**named))
    desk.staff("specialists", "sue", "tom")
    with desk.as_("admin") as tx:
        boss = {"key": "lea", "name": "Lea", "team": "specialists", "roles": ["manager"], "language": "fr"}
        agents.create_agent(tx, {**boss, "skills": {}})
        agents.patch_team(tx, "specialists", {"leader": "lea"})
    desk.drain()
    return desk


def notices(desk: Desk) -> list[Any]:
    return [one for one in desk.rows(notification) if one.task is None]


def test_a_queue_goes_on_and_its_decisions_say_who_stood_in(database_url: str, folder: Path) -> None:
    desk = opened(database_url, strategy="bad", model="bad_model", params={})
    with present(None):
        one, pulled = desk.make("odd"), desk.make("self")
        desk.drain()
        assert desk.task(one).agent in ("sue", "tom")
        assert desk.claim("sue", ["self"]).task.id == pulled
        for id_ in (one, pulled):
            with desk.db.read() as tx:
                told = why.why(tx, id_)
            assert (told["model"], told["rerun"]) == ("dedicated", "same")
            assert set(told["stood_in_for"]) == {"bad", "bad_model"}
    with present(folder):
        two = desk.make("odd")
        desk.drain()
        with desk.db.read() as tx:
            told = why.why(tx, two)
        assert (told["strategy"], told["model"], told["stood_in_for"]) == ("bad", "bad_model", [])
    desk.db.close()


def test_managers_are_told_once_and_nothing_is_left_once_it_is_back(database_url: str, folder: Path) -> None:
    desk = opened(database_url, strategy="bad")
    with present(None):
        for _ in range(3):
            desk.do("worker", passes.everything)
            desk.drain()
        odd = [one for one in notices(desk) if "Odd" in one.subject]
        assert [(one.agent, one.subject) for one in odd] == [("lea", "L'extension bad de Odd n'est pas installée")]
        with desk.db.read() as tx:
            (one,) = foreign.failing(tx, "odd")
        assert (one.name, one.failures, one.out) == ("bad", 0, True)
    with present(folder):
        desk.do("worker", passes.everything)
        desk.drain()
        assert desk.rows(plugin_state) == []
    desk.db.close()


def test_a_switch_that_names_it_is_stood_in_for_and_a_new_one_is_refused(sqlite_url: str, folder: Path) -> None:
    desk = opened(sqlite_url)
    with present(folder), desk.as_("admin") as tx:
        staffing.switch(tx, tx.policies.queues["odd"], {"model": "bad_model", "params": {}}, "now")
    with present(None):
        id_ = desk.make("odd")
        desk.drain()
        assert desk.task(id_).agent is not None
        assert desk.claim("tom", ["self", "odd"]).task is not None
        with desk.as_("admin") as tx, pytest.raises(InvalidInput) as refused:
            staffing.switch(tx, tx.policies.queues["odd"], {"model": "bad_model", "params": {}}, "now")
        assert "there is no staffing model 'bad_model'" in refused.value.message
    desk.db.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files in which one queue is served by the plug-in."""
    files = tmp_path / "files"
    shutil.copytree(EXAMPLE, files)
    queues = files / "queues.toml"
    text = queues.read_text(encoding="utf-8")
    assert 'strategy = "round_robin"' in text
    queues.write_text(text.replace('strategy = "round_robin"', 'strategy = "bad"', 1), encoding="utf-8")
    for name in ("TASKHUB_DATABASE_URL", "TASKHUB_CONFIG", "TASKHUB_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return files


def asked(*args: str) -> Any:
    return CliRunner().invoke(app, list(args))


def test_stored_files_load_without_it_and_commands_say_what_is_missing(
    tmp_path: Path, folder: Path, place: Path
) -> None:
    data = str(tmp_path / "data")
    with present(folder):
        assert asked("config", "apply", str(place), "--data", data).exit_code == 0
    with present(None):
        checked = asked("config", "check", str(place), "--data", data, "--json")
        assert checked.exit_code == 0, checked.output
        told = [one for one in json.loads(checked.stdout)["warnings"] if "is not installed" in one["message"]]
        assert [one["file"] for one in told] == ["queues.toml"]
        assert told[0]["line"] > 0
        assert asked("config", "apply", str(place), "--data", data).exit_code == 0
        doctor = asked("doctor", "--data", data, "--json")
        (plugins,) = [one for one in json.loads(doctor.stdout)["findings"] if one["name"] == "plug-ins"]
        assert plugins["state"] == "wrong"
        assert "bad is not installed" in plugins["said"]
        assert asked("queue", "list", "--data", data).exit_code == 0


def test_new_files_that_name_it_are_refused_with_the_nearest_name(tmp_path: Path, place: Path) -> None:
    data = str(tmp_path / "data")
    assert asked("config", "apply", str(EXAMPLE), "--data", data).exit_code == 0
    queues = place / "queues.toml"
    queues.write_text(queues.read_text(encoding="utf-8").replace('"bad"', '"round_robn"'), encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        bootstrap.policies(bootstrap.read_config(place))
    assert [one.suggestion for one in refused.value.problems] == ["round_robin"]
    assert asked("config", "apply", str(place), "--data", data).exit_code != 0
    assert asked("config", "check", str(place), "--data", data).exit_code != 0


def test_what_a_plug_in_says_of_stored_parameters_only_warns(tmp_path: Path) -> None:
    fussy = "\ndef check(self, params):\n    yield 'x', 'is wanted now'\nBad.check = check\n"
    texts = bootstrap.read_config(EXAMPLE)
    texts["queues.toml"] = texts["queues.toml"].replace('strategy = "round_robin"', 'strategy = "bad"', 1)
    with present(written(tmp_path / "other", fussy)):
        with pytest.raises(PolicyError):
            bootstrap.policies(texts)
        found = bootstrap.accepted(texts)
        assert [one.message for one in found.warnings if "is wanted now" in one.message]


def test_nothing_is_waiting_for_nobody(sqlite_url: str) -> None:
    desk = opened(sqlite_url, model="bad_model", params={})
    with present(None):
        for _ in range(5):
            desk.make("odd")
        desk.drain()
        assert {row.state for row in desk.rows(task_table)} == {"assigned"}
    desk.db.close()
