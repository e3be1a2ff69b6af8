"""``taskhub escalation rehearse`` and ``taskhub notifications``: what the API says, in columns and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import update

from taskhub.agents import service as agents
from taskhub.cli import place
from taskhub.db.tables import message
from taskhub.escalation import upcoming
from taskhub.escalation.notifications.model import Notice
from taskhub.escalation.notifications.tell import tell
from taskhub.flow import HANDLERS
from taskhub.tasks import service as tasks
from taskhub.tasks.model import NewTask
from taskhub.testing.drain import drain

Run = Callable[..., Result]


def test_a_rehearsal_in_columns_and_as_json(run: Run, data: Path) -> None:
    with place.existing(data) as db:
        with db.begin() as tx:
            agents.create_agent(tx, {"key": "lea", "name": "Lea", "team": "contract-desk"})
            agents.patch_team(tx, "contract-desk", {"leader": "lea"})
            made = tasks.create(tx, NewTask("contract", "Contract for ACME")).id
        drain(db)
    found = json.loads(run("escalation", "rehearse", "--hours", 336, "--json").stdout)
    assert {one["task"] for one in found["items"]} == {made}
    assert found["items"][0]["tells"][0]["agent"] == "lea"
    shown = run("escalation", "rehearse", "--hours", 336).stdout
    assert "Contract for ACME" in shown
    assert "Lea" in shown
    assert (
        json.loads(run("escalation", "rehearse", "--hours", 336, "--queue", "billing", "--json").stdout)["items"] == []
    )
    wrong = run("escalation", "rehearse", "--queue", "contrats")
    assert (wrong.exit_code, "contrats" in wrong.stderr) == (1, True)


def test_a_rehearsal_that_did_not_look_everywhere_says_so(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.existing(data) as db:
        with db.begin() as tx:
            for number in range(2):
                tasks.create(tx, NewTask("contract", f"Contract {number}"))
        drain(db)
    monkeypatch.setattr(upcoming, "MOST_TASKS", 1)
    assert "Further tasks fall due later" in run("escalation", "rehearse", "--hours", 336).stderr
    monkeypatch.setattr(upcoming, "MOST_TASKS", 0)
    found = run("escalation", "rehearse", "--hours", 336)
    assert found.stdout.startswith("Nothing of the 0 tasks looked at escalates until ")
    assert "Further tasks fall due later" in found.stderr


def test_what_nobody_took_is_listed_and_sent_again(run: Run, data: Path) -> None:
    assert run("notifications", "dead").stdout == "Every message was taken.\n"
    with place.existing(data) as db:
        with db.begin() as tx:
            letter = tell(tx, Notice("step", "urgent", "Overdue: ACME", "…", url="OPS"))
        drain(db, {**HANDLERS, "letter.send": lambda _tx, _row: None})
        gone = {"dead_at": message.c.done_at, "done_at": None, "error": "nobody answers", "attempts": 10}
        with db.begin() as tx:
            tx.conn.execute(update(message).where(message.c.handler == "letter.send").values(gone))
    (one,) = json.loads(run("notifications", "dead", "--json").stdout)["items"]
    assert (one["id"], one["reason"], one["addressee"]) == (letter, "nobody answers", "url:OPS")
    assert "nobody answers" in run("notifications", "dead").stdout
    assert run("notifications", "replay").exit_code == 1
    assert run("notifications", "replay", "unknown").exit_code == 1
    assert run("notifications", "replay", letter).stdout == "1 message is due again.\n"
    assert json.loads(run("notifications", "replay", "--all", "--json").stdout) == {"replayed": []}
    assert run("notifications", "discard", letter, "--reason", "gone").exit_code == 1
    with place.existing(data) as db, db.begin() as tx:
        gone = {"dead_at": tx.now, "done_at": None, "error": "nobody answers", "attempts": 10}
        tx.conn.execute(update(message).where(message.c.handler == "letter.send").values(gone))
    assert run("notifications", "discard", letter, "--reason", "gone").stdout == "The message is given up.\n"
    assert run("notifications", "dead").stdout == "Every message was taken.\n"
    assert run("notifications", "replay", "--all").stdout == "0 messages are due again.\n"
