"""Plug-ins of others: whatever one does, work is given, other queues go on, and its queue says what happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskhub.agents import service as agents
from taskhub.assignment import installed, why
from taskhub.assignment.foreign import service as foreign
from taskhub.assignment.foreign.process import Failed, Process
from taskhub.db.tables import decision, notification, plugin_state, pool_state
from taskhub.db.tables import task as task_table
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Staffing
from taskhub.testing import organisation as org
from tests.service.desk import Desk
from tests.service.plugged import present, written

STRATEGY = "\n    def key(self, who, shape, queue):\n        {}\nBad.key = key\n"
BAD_KEYS = {
    "raises": "raise ValueError('no idea')",
    "hangs": "import time; time.sleep(60)",
    "not_a_number": "return (float('nan'),)",
    "infinite": "return (float('inf'),)",
    "too_long": "return (1, 2)",
    "too_short": "return ()",
    "words": "return ('first',)",
    "truth": "return (True,)",
    "no_row": "return 7",
    "nothing": "return None",
    "no_json": "return (object(),)",
    "leaves": "raise SystemExit(0)",
    "dies": "import os; os._exit(3)",
    "kills": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "eats": "return (len(bytearray(8 << 30)),)",
    "deep": "return self.key(who, shape, queue)",
}


def policies(**staffing: Any) -> Any:
    bad = Staffing(**{"model": "dedicated", "params": {"team": "specialists"}, "strategy": "least_loaded", **staffing})
    queues = [
        org.queue("odd", calendar="always", staffing=bad, rotation="all"),
        org.queue("even", calendar="always", rotation="all", teams=("front",), staffing=Staffing("rotating")),
        org.queue("self", calendar="always", mode="pull", staffing=bad),
    ]
    kinds = [Kind(key, LocalText(key.title()), key) for key in ("odd", "even", "self")]
    return org.policies(queues=queues, kinds=kinds)


def opened(url: str, **staffing: Any) -> Desk:
    desk = Desk(url, policies(**staffing))
    desk.staff("specialists", "sue", "tom")
    desk.staff("front", "una")
    with desk.as_("admin") as tx:
        agents.create_agent(tx, {"key": "lea", "name": "Lea", "team": "specialists", "roles": ["manager"],
                                 "email": "lea@example.org", "language": "fr", "skills": {}})  # fmt: skip
        agents.patch_team(tx, "specialists", {"leader": "lea"})
    desk.drain()
    return desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


def given(desk: Desk) -> Counter[str]:
    return Counter(row.kind for row in desk.rows(task_table) if row.state == "assigned")


def reruns(desk: Desk, status: str = "same") -> None:
    with desk.db.read() as tx:
        found = [why.why(tx, row.task, table=installed.asked()) for row in tx.conn.execute(decision.select())]
    assert found
    assert {one["rerun"] for one in found} == {status}


# ── strategies ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_good_one_decides_and_its_decisions_run_again(database_url: str, folder: Path) -> None:
    heavy_first = STRATEGY.format("return (-len(who.key) if who.facts.name == 'Tom' else who.load + 9,)")
    written(
        folder, "\nclass _:\n    pass\n" + heavy_first.replace("\n    def", "\ndef").replace("\n        ", "\n    ")
    )
    with present(folder):
        desk = opened(database_url, strategy="bad")
        for _ in range(2):
            desk.make("odd")
        desk.make("even")
        desk.drain()
        assert {row.agent for row in desk.rows(task_table, kind="odd")} == {"tom"}
        assert {row.strategy for row in desk.rows(decision)} == {"bad", "least_loaded"}
        reruns(desk)
        with desk.db.read() as tx:
            told = why.why(tx, desk.rows(task_table, kind="odd")[0].id)
        assert (told["rerun"], told["agent"]) == ("not_rerunnable", "tom")
        assert "runs in workers only" in told["rerun_detail"]
        assert desk.rows(plugin_state) == []
    with present(None), desk.db.read() as tx:
        told = why.why(tx, desk.rows(task_table, kind="odd")[0].id, table=installed.asked())
        assert (told["rerun"], told["agent"]) == ("not_rerunnable", "tom")
        assert "bad" in told["rerun_detail"]
    desk.db.close()


@pytest.mark.parametrize("fault", BAD_KEYS)
def test_a_strategy_that_fails_is_stood_in_for_at_once(sqlite_url: str, folder: Path, fault: str) -> None:
    body = STRATEGY.format(BAD_KEYS[fault]).replace("\n    def", "\ndef").replace("\n        ", "\n    ")
    written(folder, body)
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        desk.make("odd")
        desk.make("even")
        desk.drain()
        assert given(desk) == {"odd": 1, "even": 1}
        (state,) = desk.rows(plugin_state)
        assert (state.queue, state.name, state.failures) == ("odd", "bad 1", 1)
        assert state.error
        assert {row.strategy for row in desk.rows(decision)} == {"least_loaded"}
        reruns(desk)
        desk.db.close()


def test_three_failures_in_a_row_put_it_out_of_use_until_a_reset_or_a_new_version(
    database_url: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = "\ndef key(self, who, shape, queue):\n    raise ValueError('no idea')\nBad.key = key\n"
    written(folder, body)
    with present(folder):
        desk = opened(database_url, strategy="bad")
        for failures in (1, 2, 3, 3, 3):
            desk.make("odd")
            desk.drain()
            assert desk.rows(plugin_state)[0].failures == failures
        assert given(desk) == {"odd": 5}
        assert sum("plug-in bad 1 failed in queue odd" in one.message for one in caplog.records) == 3
        (notice,) = desk.rows(notification)
        assert (notice.agent, notice.address) == ("lea", "mailto:lea@example.org")
        assert "L'extension bad 1 n'est plus utilisée dans Odd" in notice.subject
        assert "no idea" in notice.body
        with desk.as_("admin") as tx:
            (one,) = foreign.failing(tx, "odd")
            assert (one.out, one.failures, one.name) == (True, 3, "bad 1")
            assert foreign.reset(tx, "odd") == 1
            assert foreign.reset(tx, "odd") == 0
        desk.make("odd")
        desk.drain()
        assert desk.rows(plugin_state)[0].failures == 1
    written(folder, "", version="2")
    with present(folder):
        desk.make("odd")
        desk.drain()
        assert [row.strategy_version for row in desk.rows(decision) if row.strategy == "bad"] == ["2"]
    desk.db.close()


def test_an_answer_in_between_begins_the_count_anew(sqlite_url: str, folder: Path) -> None:
    written(folder, "\ndef key(self, who, shape, queue):\n    return queue.strategy_params['missing']\nBad.key = key\n")
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        desk.make("odd")
        desk.drain()
        assert desk.rows(plugin_state)[0].failures == 1
        written(folder, "")
        installed._process.close()
        desk.make("odd")
        desk.drain()
        assert desk.rows(plugin_state) == []
        desk.db.close()


def test_what_it_does_to_its_input_stays_with_it(sqlite_url: str, folder: Path) -> None:
    mutate = """
def key(self, who, shape, queue):
    who.load += 100
    who.facts.skills.clear()
    queue.strategy_params["x"] = 1
    return (who.load,)
Bad.key = key
"""
    written(folder, mutate)
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        for _ in range(4):
            desk.make("odd")
        desk.drain()
        assert Counter(row.agent for row in desk.rows(task_table)) == {"sue": 2, "tom": 2}
        assert desk.rows(plugin_state) == []
        reruns(desk)
        desk.db.close()


@pytest.mark.parametrize(
    "body",
    [
        "\ndef next_turn(self, own, end, who, queue):\n    return own\nBad.next_turn = next_turn\n",
        "\ndef next_turn(self, own, end, who, queue):\n    return 2 ** 70\nBad.next_turn = next_turn\n",
        "\ndef favourite(self, task, queue):\n    return 7\nBad.favourite = favourite\n",
    ],
)
def test_other_nonsense_is_found_as_well(sqlite_url: str, folder: Path, body: str) -> None:
    written(folder, body)
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        desk.make("odd")
        desk.drain()
        assert given(desk) == {"odd": 1}
        assert desk.rows(plugin_state)[0].failures == 1
        desk.db.close()


def test_a_favourite_nobody_knows_is_nobody(sqlite_url: str, folder: Path) -> None:
    written(folder, "\ndef favourite(self, task, queue):\n    return 'nobody'\nBad.favourite = favourite\n")
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        desk.make("odd")
        desk.drain()
        assert given(desk) == {"odd": 1}
        assert desk.rows(plugin_state) == []
        desk.db.close()


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────────
ONLY_TOM = """
def refused(self, ask):
    return {one.key: "not_in_pool" for one in ask.agents if one.key != "tom"}
BadModel.refused = refused
"""
MODEL_FAULTS = {
    "raises": "raise ValueError('no idea')",
    "hangs": "import time; time.sleep(60)",
    "strangers": "return {'nobody': 'not_in_pool'}",
    "no_reason": "return {one.key: '' for one in ask.agents}",
    "a_list": "return [one.key for one in ask.agents]",
    "dies": "import os; os._exit(3)",
}


def test_a_model_is_asked_by_workers_and_its_pool_is_what_passes_and_re_runs_read(
    database_url: str, folder: Path
) -> None:
    written(folder, ONLY_TOM)
    with present(folder):
        desk = opened(database_url, model="bad_model", params={})
        for _ in range(2):
            desk.make("odd")
        desk.make("self")
        desk.drain()
        assert {row.agent for row in desk.rows(task_table, kind="odd")} == {"tom"}
        found = {row.queue: row.members for row in desk.rows(pool_state)}
        assert found == {"odd": ["tom"], "self": ["tom"]}
        reruns(desk)
        with desk.db.read() as tx:
            told = why.why(tx, desk.rows(task_table, kind="odd")[0].id)
        assert told["rerun"] == "same"
        assert {one["agent"]: one["reasons"] for one in told["candidates"]}["sue"] == ["not_in_pool"]
        desk.db.close()


@pytest.mark.parametrize("fault", MODEL_FAULTS)
def test_a_model_that_fails_leaves_its_last_pool_then_all_teams(sqlite_url: str, folder: Path, fault: str) -> None:
    written(folder, ONLY_TOM)
    with present(folder):
        desk = opened(sqlite_url, model="bad_model", params={})
        desk.make("odd")
        desk.drain()
        written(folder, f"\ndef refused(self, ask):\n    {MODEL_FAULTS[fault]}\nBadModel.refused = refused\n")
        installed._process.close()
        for failures in (1, 2, 3):
            desk.make("odd")
            desk.drain()
            assert {row.failures for row in desk.rows(plugin_state, queue="odd")} == {failures}
        made = desk.make("odd")
        desk.make("even")
        desk.drain()
        assert (desk.task(made).agent, given(desk)) == ("sue", {"odd": 5, "even": 1})
        assert desk.decisions(made)[-1].model == "dedicated"
        assert {row.queue: row.members for row in desk.rows(pool_state)}["odd"] is None
        reruns(desk)
        desk.db.close()


def test_without_a_pool_nobody_takes_anything(sqlite_url: str, folder: Path) -> None:
    written(folder, ONLY_TOM)
    with present(folder):
        desk = opened(sqlite_url, model="bad_model", params={})
        known = installed.plugins().model("bad_model")
        with desk.db.read() as tx:
            from taskhub.assignment import passes
            from taskhub.assignment.seams import PoolAsk

            facts = passes.facts(tx, [tx.policies.queues["self"]])["self"]
            person = passes.store.person(tx, "tom", (), lock=False)
        assert person is not None
        assert known.refused(PoolAsk(facts, (person,), desk.clock.now)) == {"tom": "pool_closed"}
        desk.db.close()


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("\nraise RuntimeError('not today')\n", "not today"),
        ("\nBad.name = 'other'\n", "calls itself"),
        ("\nBad.version = ''\n", "has no version"),
        ("\nBad.parts = 'load'\nBad.key = None\n", "key cannot be called"),
        ("\nBad.parts = [1]\n", "row of words"),
        ("\nimport os; os._exit(4)\n", "ended with 4"),
    ],
)
def test_one_that_cannot_be_described_is_reported_and_not_there(folder: Path, body: str, said: str) -> None:
    written(folder, body)
    with present(folder):
        found = installed.plugins()
        assert "bad" not in found.strategy_names
        assert said in found.broken["bad"]
        assert {"least_loaded", "round_robin"} <= set(found.strategy_names)


def test_its_own_judgement_of_parameters_is_asked_behind_the_wall(folder: Path) -> None:
    judge = "\ndef check(self, params):\n    yield ('x', 'is not good')\nBad.check = check\n"
    written(folder, judge)
    with present(folder):
        assert list(installed.plugins().strategy("bad").check({"x": 1})) == [("x", "is not good")]
    written(folder, "\ndef check(self, params):\n    raise ValueError('no idea')\nBad.check = check\n")
    with present(folder):
        ((name, message),) = installed.plugins().strategy("bad").check({})
        assert (name, "no idea" in message) == ("", True)


def test_the_child_holds_no_secrets_of_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKHUB_SECRET_KEY", "secret")
    body = "\nimport os\ndef check(self, params):\n    yield from os.environ.items()\nBad.check = check\n"
    written(folder, body)
    with present(folder):
        seen = dict(installed.plugins().strategy("bad").check({}))
        assert "PATH" in seen
        assert not any(name.startswith("TASKHUB_") for name in seen)


def test_what_it_prints_is_no_answer(folder: Path) -> None:
    written(
        folder, "\nprint('hello' * 1000)\ndef check(self, params):\n    print('x')\n    return []\nBad.check = check\n"
    )
    with present(folder):
        assert list(installed.plugins().strategy("bad").check({})) == []


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    with present(written(folder, "")):
        made = Process(deadline=1.0)
        yield made
        made.close()


def test_a_big_question_to_a_deaf_child_does_not_hold_its_parent_up(process: Process, folder: Path) -> None:
    written(
        folder,
        "\ndef check(self, params):\n    import os, signal; os.kill(os.getppid(), 0); return []\nBad.check = check\n",
    )
    assert process.ask("check", "bad_plugin:bad", {"x": "y" * 4_000_000}) == []
    child = process._child
    assert child is not None
    import signal

    child.send_signal(signal.SIGSTOP)
    with pytest.raises(Failed, match="did not answer within 1 s"):
        process.ask("check", "bad_plugin:bad", {"x": "y" * 4_000_000})
    assert process.ask("check", "bad_plugin:bad", {}) == []


# ── what people see of it ────────────────────────────────────────────────────────────────────────────────────────────
def test_doctor_and_the_commands_say_it(sqlite_url: str, folder: Path) -> None:
    from typer.testing import CliRunner

    from taskhub.cli import findings
    from taskhub.cli.app import app

    body = "\ndef key(self, who, shape, queue):\n    raise ValueError('no idea')\nBad.key = key\n"
    written(folder, body)
    with present(folder):
        desk = opened(sqlite_url, strategy="bad")
        with desk.db.read() as tx:
            assert findings.plugins(tx).state == "ok"
        for _ in range(3):
            desk.make("odd")
            desk.drain()
        with desk.db.read() as tx:
            found = findings.plugins(tx)
        assert (found.state, "taskhub plugin reset odd" in found.said) == ("wrong", True)
        listed = CliRunner().invoke(app, ["plugin", "list", "--json"])
        assert listed.exit_code == 0, listed.output
        rows = {row["name"]: row for row in json.loads(listed.stdout)["plugins"]}
        assert (rows["bad"]["built_in"], rows["least_loaded"]["built_in"]) == (False, True)
        desk.db.close()
    written(folder, "\nraise RuntimeError('not today')\n")
    with present(folder):
        listed = CliRunner().invoke(app, ["plugin", "list", "--json"])
        assert listed.exit_code == 1
        assert "not today" in json.loads(listed.stdout)["broken"]["bad"]
