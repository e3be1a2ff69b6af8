"""``taskhub connections list``, ``waiting``, ``replay``: what is on its way to a CRM, in columns and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import update

from taskhub.cli import place
from taskhub.db.tables import message

Run = Callable[..., Result]


@pytest.fixture
def run(run: Run, data: Path) -> Run:
    with place.existing(data) as db:
        with db.begin() as tx:
            for task in ("t1", "t2", "t3"):
                tx.emit("crm.work", f"pipedrive:{task}", {"connection": "pipedrive", "task": task})
            tx.emit("crm.asked", "a1", {"connection": "pipedrive"})
        with db.begin() as tx:
            c = message.c
            told = update(message).values(attempts=10, error="Unavailable: pipedrive answered 500\ntraceback")
            tx.conn.execute(told.where(c.key == "pipedrive:t1").values(dead_at=tx.now))
            tx.conn.execute(told.where(c.key == "pipedrive:t2").values(attempts=2))
            tx.conn.execute(update(message).where(c.key == "pipedrive:t3").values(done_at=tx.now))
    return run


def test_each_connection_says_how_much_is_on_its_way(run: Run) -> None:
    found = json.loads(run("connections", "list", "--json").stdout)["connections"]
    assert found[0] == {
        "name": "pipedrive", "system": "pipedrive", "tasks": "off", "acts": False, "sends": False,
        "waiting": 2, "failing": 1, "failed": 1,
    }  # fmt: skip
    assert [one["waiting"] for one in found[1:]] == [0] * len(found[1:])
    head, first, *_ = run("connections", "list").stdout.splitlines()
    assert head.split() == ["name", "system", "tasks", "acts", "sends", "waiting", "failing", "failed"]
    assert first.split() == ["pipedrive", "pipedrive", "off", "no", "no", "2", "1", "1"]


def test_what_waits_says_why_and_is_tried_again(run: Run) -> None:
    found = json.loads(run("connections", "waiting", "pipedrive", "--json").stdout)["deliveries"]
    assert {(one["what"], one["about"], one["tries"], one["reason"]) for one in found} == {
        ("task", "t1", 10, "Unavailable: pipedrive answered 500"),
        ("task", "t2", 2, "Unavailable: pipedrive answered 500"),
        ("act", "a1", 0, ""),
    }
    shown = run("connections", "waiting", "pipedrive").stdout
    assert "given up" in shown
    assert "traceback" not in shown
    assert run("connections", "replay", "pipedrive").stdout == "1 to be tried again.\n"
    assert json.loads(run("connections", "replay", "pipedrive", "--json").stdout)["replayed"] == 0
    assert json.loads(run("connections", "list", "--json").stdout)["connections"][0]["failed"] == 0


@pytest.mark.parametrize("command", ["waiting", "replay"])
def test_a_connection_that_is_none(run: Run, command: str) -> None:
    wrong = run("connections", command, "pipedriv")
    assert (wrong.exit_code, "Did you mean 'pipedrive'?" in wrong.stderr) == (1, True)
