"""``taskhub sales progress``: the report of the API, for whoever sits at the machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from taskhub.acts import asking, converting, selling
from taskhub.agents import service as agents
from taskhub.cli import place
from taskhub.db.tx import By
from taskhub.sales.conversion import Asked
from taskhub.tasks import making
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing.organisation import ADMIN, as_agent

Run = Callable[..., Result]


@pytest.fixture
def run(run: Run, data: Path) -> Run:
    with place.existing(data) as db:
        with db.begin() as tx:
            agents.create_agent(tx, {"key": "rob", "name": "Rob", "team": "front-line", "roles": ["rep"]})
        with db.begin(By("agent:rob", "rep", "rob", "front-line", ("rep",)), act="lead.convert") as tx:
            lead = selling.create(tx, "lead", {"name": "Ann", "company": "Roux", "amount": "10.10"})
            converting.convert(tx, lead.ref.id, Asked(deal={}))
            selling.create(tx, "lead", {"name": "Zoe"})
    return run


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
    assert "Conversions without any work: 0" in run("sales", "progress", "--since", "9d", "--until", "1d").stdout
    for words in (("--until", "soon"), ("--since", "1d", "--until", "2d")):
        refused = run("sales", "progress", *words)
        assert (refused.exit_code != 0, "--until" in refused.output) == (True, True)


def test_progress_of_a_department(run: Run, tmp_path: Path) -> None:
    with place.existing(tmp_path / "data") as db, db.begin() as tx:
        agents.patch_team(tx, "front-line", {"department": "front"})
    said = json.loads(run("sales", "progress", "--department", "front", "--json").stdout)
    leads = next(item for item in said["items"] if item["pipeline"] == "leads")
    assert (leads["created"], said["department"]) == (2, "front")
    refused = run("sales", "progress", "--department", "frnt")
    assert refused.exit_code != 0
    assert "did you mean front?" in refused.output
    assert run("sales", "progress", "--department", "front", "--team", "front-line").exit_code != 0


def test_search_and_what_it_goes_by(run: Run) -> None:
    found = json.loads(run("search", "roux", "ann", "--json").stdout)
    assert {one["noun"] for one in found["items"]} == {"lead", "deal", "account", "contact"} - {"account"}
    assert {one["noun"] for one in json.loads(run("search", "rou", "--json").stdout)["items"]} >= {"account"}
    assert "Nothing was found." in run("search", "nobody").stdout
    assert "lead" in run("search", "roux", "--noun", "lead").stdout
    assert run("search", "roux", "--noun", "leed").exit_code != 0
    assert run("search", "!").exit_code != 0
    said = json.loads(run("search-index", "rebuild", "--json").stdout)
    assert said["changed"] == 0
    assert said["records"] >= 5


def test_questions_are_answered_from_the_command_line(run: Run, tmp_path: Path) -> None:
    with place.existing(tmp_path / "data") as db:
        with db.begin(ADMIN, act="x") as tx:
            agents.create_agent(tx, {"key": "zoe", "name": "Zoe", "team": "front-line", "skills": {"welcome": 3}})
            agents.create_agent(tx, {"key": "ria", "name": "Ria", "team": "front-line", "roles": ["rep"]})
            (task,) = making.make(tx, [NewTask(next(iter(tx.policies.kinds)), "A welcome", record="lead:x", lead="x")])
            agents.patch_team(tx, "front-line", {"leader": "rob"})
            tasks.assign(tx, task, "zoe")
        with db.begin(as_agent("zoe"), act="task.ask") as tx:
            token = tasks.start(tx, task)[1].token
            _, one = asking.ask(tx, task, "Which?", token=token)
    (listed,) = json.loads(run("questions", "list", "--json").stdout)["items"]
    assert (listed["id"], listed["asked_of"], listed["because"]) == (one.id, "rob", "no_owner")
    assert run("questions", "answer", one.id, "Lyon", "--by", "ria").exit_code != 0
    assert run("questions", "pass", one.id, "ria", "--by", "rob", "--note", "you know").exit_code == 0
    said = run("questions", "answer", one.id, "Lyon", "--by", "ria", "--json")
    assert json.loads(said.stdout)["question"]["answer"] == "Lyon"
    assert run("questions", "answer", one.id, "again", "--by", "ria").exit_code != 0
    assert "Nothing is asked." in run("questions", "list").stdout
    assert run("questions", "list", "--state", "opn").exit_code != 0


def test_who_is_not_there_is_said_in_a_sentence(run: Run) -> None:
    for words in (("--agent", "nobody"), ("--team", "nobody"), ("--since", "soon")):
        said = run("sales", "progress", *words)
        assert said.exit_code != 0
        assert "Traceback" not in said.output
