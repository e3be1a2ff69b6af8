"""``taskhub queue``: the same acts as the API, and the same refusals in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from taskhub.agents import service as agents
from taskhub.cli import place

Run = Callable[..., Result]
SHARED = '{"teams": ["contract-desk"]}'


def later(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture
def run(run: Run, data: Path) -> Run:
    with place.existing(data) as db, db.begin() as tx:
        agents.create_agent(tx, {"key": "zoe", "name": "Zoe", "team": "front-line", "skills": {"contract": 2}})
    return run


def test_a_switch_is_made_shown_and_taken_back(run: Run) -> None:
    done = json.loads(run("queue", "staffing", "contracts", "rotating", "--params", SHARED, "--json").stdout)
    assert done["switch"]["model"] == "rotating"
    line = next(one for one in json.loads(run("queue", "list", "--json").stdout)["items"] if one["key"] == "contracts")
    assert (line["model"], line["staffing"]["source"]) == ("rotating", "switch")
    assert "rotating" in run("queue", "list").stdout
    for command in ("check", "apply"):
        said = run("config", command)
        assert said.exit_code == 0
        assert "queue.contracts.staffing: a switch by command line holds" in said.stderr
        assert "the file says dedicated" in said.stderr
    assert run("queue", "staffing", "contracts", "file").exit_code == 0
    assert "the file says" not in run("config", "check").stderr
    shown = json.loads(run("queue", "show", "contracts", "--json").stdout)
    assert (shown["model"], shown["staffing"]["source"]) == ("dedicated", "file")
    told = run("queue", "show", "contracts").stdout
    assert "longest wait" in told
    assert "closed:          no\n" in told


def test_a_person_is_lent_and_a_queue_put_ahead(run: Run) -> None:
    said = run("queue", "lend", "zoe", "contracts", "--until", later(3))
    assert (said.exit_code, "zoe helps in contracts until" in said.stdout) == (0, True)
    assert "has no skill" in said.stderr
    made = json.loads(run("queue", "period", "contracts", "--until", later(3), "--ahead-by", "4h", "--json").stdout)
    assert made["ahead_by"] == "4h"
    shown = json.loads(run("queue", "show", "contracts", "--json").stdout)
    assert (len(shown["loans"]), len(shown["periods"])) == (1, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("staffing", "contrcts", "rotating"), "'contracts'"),
        (("staffing", "contracts", "rotatng"), "'rotating'"),
        (("staffing", "contracts", "rotating", "--params", "[]"), "JSON object"),
        (("staffing", "contracts", "rotating", "--params", SHARED, "--at", "tomorrow"), "--at"),
        (("lend", "zoe", "contracts", "--until", "2020-01-01T00:00:00Z"), "past"),
        (("lend", "nobody", "contracts", "--until", later(1)), "no agent"),
        (("period", "contracts", "--until", later(1), "--ahead-by", "soon"), "--ahead-by"),
        (("period", "contracts", "--until", later(1), "--ahead-by", "900h"), "720h"),
    ],
)
def test_bad_words_end_in_one_sentence_and_code_1(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run("queue", *words)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
