"""Receivers that hang, processes that end, and what people are shown of it all."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from taskhub import failpoints
from taskhub.agents import service as agents
from taskhub.cli import place
from taskhub.cli.app import app
from taskhub.connectors.sending import store
from taskhub.connectors.sending.deliver import Deliver
from taskhub.connectors.sending.posting import Poster
from taskhub.db.database import Database
from taskhub.db.tables import message, notification, task
from taskhub.escalation import unheard
from taskhub.flow import FLOW, HANDLERS
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock
from taskhub.workers import Worker, run_due
from tests.architecture.source import ROOT
from tests.service.desk import Desk
from tests.service.receiver import HANG, KEY, Receiver
from tests.service.test_sending import checked, connection

LONG = 30


def desk_of(url: str, *connections: Any) -> Desk:
    return Desk(url, org.policies(connections={one.key: one for one in connections}))


def test_a_receiver_that_hangs_holds_up_nobody_else(sqlite_url: str, receiver: Receiver) -> None:
    """Two threads call outside, eight events wait for somebody who never answers: the neighbour has its own at once."""
    with Receiver() as quick:
        desk = desk_of(
            sqlite_url, connection("slow", receiver.url, "task.created"), connection("quick", quick.url, "task.created")
        )
        receiver.answers = [HANG] * 9
        made = [desk.make() for _ in range(8)]
        handlers = {**HANDLERS, "event.send": Deliver(Poster(patience=LONG), {"SEND_KEY": KEY})}
        worker = Worker(desk.db, handlers, threads=2, outside_threads=2).start()
        try:
            for _ in made:
                assert quick.came.acquire(timeout=LONG)
            assert receiver.came.acquire(timeout=LONG)
            assert len(receiver.got) == 1
            # Inside work goes on as well.
            id_ = desk.make("contract")
            assert quick.came.acquire(timeout=LONG)
            assert desk.task(id_).state == "queued"
            receiver.let_go.set()
            for _ in range(10 * LONG):
                if not forward_unless_on_its_way(desk):
                    break
                receiver.came.acquire(timeout=0.1)
        finally:
            worker.stop()
        assert {one.event["subject"] for one in receiver.got} == {*made, id_}
        # Being sent away is no try.
        assert [row.attempts for row in of_slow(desk)] == [1] * len(receiver.got) == [1] * 9
        desk.db.close()


def of_slow(desk: Desk) -> list[Any]:
    return [row for row in desk.rows(message, handler="event.send") if row.payload["connection"] == "slow"]


def forward_unless_on_its_way(desk: Desk) -> bool:
    """Is any left to send? The clock waits for what is being sent, whose lease it would outlive."""
    left = [row for row in of_slow(desk) if row.done_at is None]
    if left and all(row.token is None for row in left):
        desk.clock.forward(seconds=60)
    return bool(left)


KILLED = """
import os, signal, sys
from taskhub import failpoints
from taskhub.flow import HANDLERS
from taskhub.workers import run_due
from tests.service.desk import Desk
from tests.service.test_sending_beside import desk_of
from tests.service.test_sending import connection

place, url, address = sys.argv[1:]

class Strike:
    def __call__(self, name):
        if name == place:
            os.kill(os.getpid(), signal.SIGKILL)

desk = desk_of(url, connection("shop", address, "task.created"))
failpoints.arm(Strike())
desk.make()
run_due(desk.db, HANDLERS)
"""


@pytest.mark.parametrize(("place_", "before"), [("tx.after_commit", 0), ("sending.sent", 1)])
def test_a_process_that_is_killed_leaves_the_row_behind(
    sqlite_url: str, receiver: Receiver, place_: str, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between commit and post nothing was sent yet; after the post nobody here knows that it was."""
    monkeypatch.setenv("SEND_KEY", KEY)
    child = subprocess.run([sys.executable, "-c", KILLED, place_, sqlite_url, receiver.url], cwd=ROOT, check=False)
    assert child.returncode == -signal.SIGKILL
    assert len(receiver.got) == before
    set_ = org.policies(connections={"shop": connection("shop", receiver.url, "task.created")})
    db = Database(sqlite_url, flow=FLOW, loader=lambda _texts, _resolved: set_)
    db.clock = SetClock()
    db.clock.forward(hours=1)
    run_due(db, HANDLERS)
    db.close()
    assert len(receiver.got) == before + 1
    assert len({one.id for one in receiver.got}) == 1
    for one in receiver.got:
        checked(one, KEY)


@pytest.mark.parametrize("place_", ["sending.told", "sending.stopped"])
def test_what_breaks_before_its_commit_leaves_nothing_half(sqlite_url: str, receiver: Receiver, place_: str) -> None:
    desk = desk_of(sqlite_url, connection("shop", receiver.url, "task.created"))
    handlers = {**HANDLERS, "event.send": Deliver(Poster(), {"SEND_KEY": KEY})}
    receiver.answers = [410, 410]

    def strike(name: str) -> None:
        if name == place_:
            failpoints.arm(None)
            raise RuntimeError(name)

    failpoints.arm(strike)
    try:
        with contextlib.suppress(RuntimeError):
            desk.make()
        run_due(desk.db, handlers)
    finally:
        failpoints.arm(None)
    with desk.db.read() as tx:
        assert store.stops(tx) == []
    waits = [row for row in desk.rows(message, handler="event.send") if row.done_at is None]
    assert len(waits) == desk.count(task) == (1 if place_ == "sending.stopped" else 0)
    desk.clock.forward(minutes=1)
    run_due(desk.db, handlers)
    with desk.db.read() as tx:
        assert len(store.stops(tx)) == len(waits)
    desk.db.close()


def test_managers_read_of_it_in_their_language(sqlite_url: str, receiver: Receiver) -> None:
    desk = desk_of(sqlite_url, connection("shop", receiver.url, "task.created"))
    desk.staff("front", "lea", language="fr")
    desk.staff("front", "mia")
    desk.do("admin", agents.patch_team, "front", {"managers": ["lea", "mia"]})
    with desk.as_("worker") as tx:
        tx.emit("sending.stopped", "shop", {})
    desk.drain()
    told = {row.agent: row for row in desk.rows(notification)}
    assert set(told) == {"lea", "mia"}
    assert unheard.STOPPED.keys() == unheard.WORDS.keys()
    for agent, row in told.items():
        assert ("410" in row.body, "resume shop" in row.body) == (True, True)
        assert ("souhaité" in row.body) == (agent == "lea")
    desk.db.close()


SHOP = """
[[connection]]
key = "shop"
name = "Shop"
system = "standard_webhooks"
secrets = {{ send_key = "SHOP_SEND_KEY" }}
[connection.send]
address = "{address}"
events = ["task.*", "sla.breached"]
"""


@pytest.fixture
def run(data: Path, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``taskhub WORDS`` in a house whose shop is told of tasks."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    with (folder / "connections.toml").open("a", encoding="utf-8") as file:
        file.write(SHOP.format(address=receiver.url))
    monkeypatch.setenv("SHOP_SEND_KEY", KEY)

    def command(*words: object) -> Any:
        return CliRunner().invoke(app, [*map(str, words), "--data", str(data)])

    applied = command("config", "apply", folder)
    assert applied.exit_code == 0, applied.output
    return command


def test_a_check_sends_a_signed_ping_and_says_what_became_of_it(run: Any, receiver: Receiver) -> None:
    found = json.loads(run("connections", "check", "shop", "--json").stdout)
    assert (found["ok"], [one["name"] for one in found["findings"]]) == (True, ["secrets", "maps", "events"])
    [got] = receiver.got
    checked(got, KEY)
    assert (got.type, got.event["data"]) == ("taskhub.ping", {"connection": "shop"})


@pytest.mark.parametrize(
    ("answer", "said"),
    [(500, "answered 500"), (302, "points elsewhere"), (410, "wants no events"), ("cut", "gave no answer")],
)
def test_a_check_that_is_not_taken(run: Any, receiver: Receiver, answer: int | str, said: str) -> None:
    receiver.answers, receiver.headers = [answer], {"location": "https://elsewhere.example"}
    found = run("connections", "check", "shop", "--json")
    assert found.exit_code == 1
    [event] = [one for one in json.loads(found.stdout)["findings"] if one["name"] == "events"]
    assert (event["state"], event["todo"] is None) == ("wrong", False)
    assert said in event["said"]


def test_a_check_without_its_key(run: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_SEND_KEY")
    found = run("connections", "check", "shop")
    assert found.exit_code == 1
    assert "SHOP_SEND_KEY" in found.stdout
    assert receiver.got == []


def test_what_is_switched_off_is_seen_and_switched_on(run: Any, receiver: Receiver, data: Path) -> None:
    assert [one for one in json.loads(run("connections", "list", "--json").stdout)["connections"] if one["sends"]]
    assert run("connections", "resume", "shop").stdout == "Nothing was switched off.\n"
    with place.existing(data) as db, db.begin() as tx:
        store.stop(tx, "shop", receiver.url)
    [finding] = [
        one for one in json.loads(run("doctor", "--json").stdout)["findings"] if one["name"] == "events to shop"
    ]
    assert (finding["state"], "resume shop" in finding["todo"]) == ("wrong", True)
    shown = run("connections", "check", "shop")
    assert (shown.exit_code, "switched off" in shown.stdout) == (1, True)
    assert run("connections", "resume", "shop").stdout == "Events are sent again.\n"
    assert not [one for one in json.loads(run("doctor", "--json").stdout)["findings"] if "shop" in one["name"]]
    assert run("connections", "resume", "nobody").exit_code != 0
