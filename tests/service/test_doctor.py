"""The doctor: each thing that can be wrong is found, and says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from typer.testing import CliRunner

from taskhub import settings
from taskhub.calendars import parse_target
from taskhub.cli.app import app
from taskhub.db import sweep
from taskhub.db.tables import escalation, message
from taskhub.escalation.notifications.channels import CHANNELS, SMTP
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, SlaPolicy, Step
from tests.api.house import House, open_house, policies
from tests.service.desk import Desk

HELD = "(SELECT min(id) FROM task WHERE state = 'in_progress')"
BLOCKED = "UPDATE task SET state = 'blocked', agent = NULL, blocked_until = created_at WHERE state = 'queued'"
DAMAGE = {
    "I3 leases": "UPDATE lease SET agent = 'ann'",
    "I3 tasks in progress": "DELETE FROM lease",
    "I3 tasks given": f"UPDATE task SET agent = NULL WHERE id = {HELD}",
    "I5": "UPDATE agent SET capacity = 0",
    "I7 leases": "DELETE FROM message WHERE handler = 'task.lease'",
    "I7 pauses": f"UPDATE task SET state = 'paused', paused_until = '2099-01-01T00:00:00.000000Z' WHERE id = {HELD}",
    "I7 blocked": BLOCKED,
    "I8 clocks": "DELETE FROM message WHERE handler = 'task.clock'",
    "I8 overdue": "UPDATE sla_clock SET due_at = '2026-01-01T00:00:00.000000Z'",
    "I1": "INSERT INTO event (id, source, external_id, type, delivery_key, body_hash, occurred_at, received_at,"
    " content_type, headers, raw, state) VALUES ('e', 's', 'x', 't', 'd', 'h', '2026-01-01T00:00:00.000000Z',"
    " '2026-01-01T00:00:00.000000Z', 'application/json', '{}', '', 'applied')",
    "I3 waiting": "UPDATE task SET agent = 'zoe' WHERE state = 'queued'",
    "I9": "DELETE FROM history WHERE seq = 1 AND noun = 'task' AND id IN (SELECT id FROM history WHERE seq = 2)",
    "I15": "INSERT INTO idempotency (caller, route, key, fingerprint, at)"
    " VALUES ('c', 'r', 'k', 'f', '2026-01-01T00:00:00.000000Z')",
}
UNIQUE = {"I6"}  # the database itself refuses that
ELSEWHERE = {"I8 ladders nobody will look at"}  # the house has none: see below


@pytest.fixture(autouse=True)
def same_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands read the policies of the house, which stand in no file."""
    monkeypatch.setattr("taskhub.bootstrap.accepted", lambda _texts, _resolved=None: policies())


@pytest.fixture
def worked(any_house: House) -> House:
    any_house.task()
    any_house.taken("zoe")
    any_house.task()
    return any_house


@pytest.fixture
def any_house(database_url: str):
    with open_house(database_url) as one:
        yield one


def found(house: House, *more: str) -> tuple[dict[str, dict[str, Any]], int]:
    """Findings by name, and the exit code."""
    env = {"TASKHUB_DATABASE_URL": house.db.url, "TASKHUB_REDIS_URL": ""}
    said = CliRunner(env=env).invoke(app, ["doctor", "--json", *more])
    assert not said.exception or isinstance(said.exception, SystemExit), said.output
    return {one["name"]: one for one in json.loads(said.stdout)["findings"]}, said.exit_code


def do(house: House, statement: str) -> None:
    with house.db.begin() as tx:
        assert tx.conn.execute(text(statement)).rowcount > 0, "the damage hit nothing"


def broken(house: House) -> list[str]:
    from taskhub.metrics.invariants import queries

    with house.db.read() as tx:
        return [one.name for one in queries.broken(tx.conn, tx.now, deep=True)]


def test_every_invariant_has_its_damage() -> None:
    from taskhub.metrics.invariants.queries import CHEAP, DEEP

    unproved = {name for name in [*CHEAP, *DEEP] if not any(name.startswith(known) for known in DAMAGE)}
    assert {name.split()[0] for name in unproved - ELSEWHERE} == UNIQUE


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(worked: House, name: str) -> None:
    assert broken(worked) == []
    do(worked, DAMAGE[name])
    assert any(one.startswith(name) for one in broken(worked)), broken(worked)


def climbing(*steps: Step) -> Policies:
    promise = SlaPolicy("standard", parse_target("4h"), escalation="late")
    late = EscalationPolicy("late", steps)
    return replace(policies(), sla={"standard": promise}, escalations={"late": late}, hash="test")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    one = Desk(database_url, climbing(Step(overdue_for=timedelta(hours=1), notify=("leader",))))
    yield one
    one.db.close()


@pytest.mark.parametrize("fired", [True, False])
def test_a_ladder_nobody_looks_at_is_named(desk: Desk, fired: bool) -> None:
    from taskhub.cli import findings

    id_ = desk.make()
    if fired:  # that was its one step: it has come to its end
        desk.forward(hours=30)
        assert desk.rows(escalation, task=id_)
    with desk.db.read() as tx:
        assert findings.invariants(tx, deep=True).state == findings.OK
    with desk.db.begin() as tx:
        tx.conn.execute(text("DELETE FROM message WHERE handler = 'escalation.step'"))
    with desk.db.read() as tx:
        said = findings.invariants(tx, deep=False)
    assert ("I8 ladders nobody will look at: 1" in said.said) is not fired


def test_what_is_late_only_because_no_worker_looks_breaks_nothing(desk: Desk) -> None:
    from taskhub.metrics.invariants import queries

    desk.make()
    desk.clock.forward(hours=200)
    with desk.db.read() as tx:
        assert queries.broken(tx.conn, tx.now, deep=True) == []


def test_a_house_in_order_is_said_to_be(worked: House) -> None:
    with worked.db.begin() as tx:
        tx.conn.execute(text("UPDATE message SET done_at = due_at WHERE due_at <= emitted_at"))
        sweep.beat(tx.conn, tx.real_now, every=timedelta())
    findings, code = found(worked, "--deep")
    if not worked.db.lite:  # the tests' server need not survive a crash
        assert findings.pop("settings")["state"] == "wrong"
    assert code == (0 if worked.db.lite else 1), findings
    findings.pop("variables")  # a campaign of tests may have names of its own
    wanted = "taskhub environment database clock policies ledger deliveries intake workers jobs invariants history"
    assert set(findings) > {*wanted.split(), "plug-ins", "chain", "redis"}
    assert {one["state"] for one in findings.values()} == {"ok"}, findings
    assert ("bloat" in findings) == ("disk" not in findings) == (not worked.db.lite)


def test_letters_that_cannot_leave_and_variables_nobody_reads_are_told(
    worked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHUB_SMTP_URL", "smtp//garbage")
    monkeypatch.setenv("TASKHUB_KEEP_BODYS", "30d")
    monkeypatch.setenv("TASKHUB_REDIS_URL_FIEL", "/none")
    monkeypatch.setenv("TASKHUB_SECRET_KEY", "x")
    monkeypatch.setenv("TASKHUB_SOMETHING", "x")
    monkeypatch.setenv("CRM_PASSWORD", "x")
    findings, code = found(worked)
    assert code == 1
    assert findings["environment"]["state"] == "wrong"
    assert findings["environment"]["said"].startswith("TASKHUB_SMTP_URL begins with none of smtp://, ")
    assert findings["variables"]["state"] == "note"
    assert "TASKHUB_KEEP_BODYS (did you mean TASKHUB_KEEP_BODIES?)" in findings["variables"]["said"]
    assert "TASKHUB_SECRET_KEY" not in findings["variables"]["said"]
    assert findings["variables"]["said"].endswith("TASKHUB_SOMETHING")
    assert "TASKHUB_REDIS_URL_FIEL (did you mean TASKHUB_REDIS_URL_FILE?)" in findings["variables"]["said"]


def test_every_variable_the_code_names_is_known_as_read(pytestconfig: pytest.Config) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (pytestconfig.rootpath / "taskhub").rglob("*.py"))
    named = {name for source in sources for name in re.findall(r'"(TASKHUB_[A-Z_]*[A-Z])"', source)}
    assert named <= {*settings.PLAIN, *settings.SECRETS, *settings.RESERVED, SMTP, CHANNELS}


LATE = timedelta(minutes=5)


def test_dead_late_and_stuck_work_is_told_with_what_to_do(worked: House) -> None:
    with worked.db.begin() as tx:
        tx.emit("event.received", "e1", {"record": ""}, due_at=tx.now - LATE)
    findings, code = found(worked)
    assert (findings["ledger"]["state"], code) == ("wrong", 1)
    assert "(event.received)" in findings["ledger"]["said"]
    assert "start workers" in findings["ledger"]["todo"]
    do(worked, "UPDATE message SET dead_at = due_at WHERE handler = 'event.apply'")
    findings, _ = found(worked)
    assert "1 dead" in findings["ledger"]["said"]
    assert "taskhub ledger replay" in findings["ledger"]["todo"]
    with worked.db.begin() as tx:
        tx.emit("notification.created", "n1")
        tx.emit("letter.written", "n2:email")
    do(worked, "UPDATE message SET error = 'Refused: 550', attempts = 4 WHERE mode = 'outside'")
    findings, _ = found(worked)
    assert findings["deliveries"]["state"] == "note"
    for handler in ("letter.send", "notification.deliver"):
        assert f"1 of {handler} wait, tried up to 4 times: Refused: 550" in findings["deliveries"]["said"]
    assert "taskhub notifications dead --failing" in findings["deliveries"]["todo"]


def test_events_that_wait_are_told(worked: House) -> None:
    do(worked, DAMAGE["I1"].replace("'applied'", "'received'"))
    findings, code = found(worked)
    assert (findings["intake"]["state"], code) == ("wrong", 1)
    do(worked, "UPDATE event SET state = 'quarantined'")
    findings, _ = found(worked)
    assert (findings["intake"]["state"], "1 are quarantined" in findings["intake"]["said"]) == ("note", True)


def test_a_broken_chain_is_told(worked: House) -> None:
    from taskhub.db import seals

    with worked.db.begin() as tx:
        seals.add(tx.conn, tx.now)
    do(worked, "UPDATE history SET act = 'forged' WHERE row = 2")
    assert found(worked)[0]["history"]["state"] == "ok"
    chain = found(worked, "--deep")[0]["chain"]
    assert (chain["state"], chain["todo"]) == ("wrong", "see `taskhub audit verify`")
    assert "row 2" in chain["said"]


def test_jobs_that_do_not_fire_are_told(worked: House) -> None:
    with worked.db.begin() as tx:
        sweep.beat(tx.conn, tx.real_now, every=timedelta())
        sweep.fire(tx.conn, "history.seal", tx.now - LATE * 2, tx.now - LATE * 2)
    assert found(worked)[0]["jobs"]["state"] == "wrong"


def test_a_demo_s_hours_are_no_delay(worked: House) -> None:
    from taskhub.cli import findings
    from taskhub.db import seals
    from taskhub.demo import store

    with worked.db.begin() as tx:
        real, monday = tx.real_now, tx.real_now - timedelta(days=60)
        evening, morning = monday + timedelta(hours=1), monday + timedelta(days=2)
        spans = [(monday, evening), (morning, real)]
        store.put_clock(tx.conn, real - timedelta(seconds=4), 1000.0, spans)  # its evening was 0.4 s ago
        seals.add(tx.conn, evening)
        tx.record("team", "x", "create", {})
        sweep.beat(tx.conn, real, every=timedelta())
        sweep.fire(tx.conn, "history.seal", evening, evening)
        tx.conn.execute(update(message).where(message.c.done_at.is_(None)).values(due_at=evening))
    with worked.db.read() as tx:
        assert tx.now >= morning
        told = [look(tx) for look in (findings.sealed, findings.jobs, findings.ledger)]
        assert [one.state for one in told] == [findings.OK] * 3, told
    with worked.db.begin() as tx:
        store.put_clock(tx.conn, real - timedelta(minutes=7), 1000.0, spans)
    with worked.db.read() as tx:
        assert findings.sealed(tx).state == findings.NOTE
        assert findings.ledger(tx).state == findings.WRONG


def test_a_redis_that_is_away_is_told(worked: House) -> None:
    env = {"TASKHUB_DATABASE_URL": worked.db.url, "TASKHUB_REDIS_URL": "redis://127.0.0.1:1/0"}
    said = CliRunner(env=env).invoke(app, ["doctor"])
    assert said.exit_code == 1
    assert "does not answer" in said.stdout
    assert "nothing in it is missed" in said.stdout


def test_a_long_transaction_is_told(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.cli import upkeep

    monkeypatch.setattr(upkeep, "LONG", 0.0)
    with open_house(postgres_url) as house, house.db.engine.connect() as conn:
        conn.execute(text("SELECT 1"))
        told = found(house)[0]["transactions"]
    assert told["state"] == "note"
    assert "pg_stat_activity" in told["todo"]


def test_durability_that_is_off_is_told(postgres_url: str) -> None:
    from taskhub.cli import upkeep

    with open_house(postgres_url) as house, house.db.read() as tx:
        tx.conn.execute(text("SET LOCAL synchronous_commit = off"))
        told = upkeep._settings(tx)
    assert told.state == "wrong"
    assert "synchronous_commit is off" in told.said


def test_an_autovacuum_that_looks_too_seldom_is_told(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskhub.cli import upkeep

    monkeypatch.setattr(upkeep, "SETTINGS", ("autovacuum", "autovacuum_naptime"))  # durability is off in these tests
    with open_house(postgres_url) as house, house.db.read() as tx:
        told = upkeep._settings(tx)
        monkeypatch.setattr(upkeep, "NAP", 60)
        assert upkeep._settings(tx).state == "ok"
    assert (told.state, told.said) == ("note", "durable; autovacuum looks only every 60 s")
    assert "autovacuum_naptime = 10s" in told.todo


def test_audit_commands(sqlite_url: str, tmp_path: Path) -> None:
    from taskhub.db import seals

    with open_house(sqlite_url) as house:
        house.task()
        with house.db.begin() as tx:
            seals.add(tx.conn, tx.now)
        env = {"TASKHUB_DATABASE_URL": house.db.url}

        def run(*words: str) -> Any:
            return CliRunner(env=env).invoke(app, ["audit", *words])

        head = run("head").stdout.strip()
        assert run("verify", "--head", head).exit_code == 0
        assert json.loads(run("verify", "--json").stdout)["ok"] is True
        assert run("verify", "--head", "nonsense").exit_code == 1
        out = tmp_path / "history.ndjson"
        assert run("export", "--out", str(out)).exit_code == 0
        *rows, last = map(json.loads, out.read_text().splitlines())
        assert last["head"]["number"] == 1
        assert len(rows) == last["head"]["row"]
        only = run("export", "--noun", "task").stdout.splitlines()
        assert 0 < len(only) - 1 < len(rows)
        assert run("export", "--out", str(out)).exit_code == 1
        do(house, "UPDATE history SET act = 'forged' WHERE row = 3")
        said = run("verify")
        assert said.exit_code == 1
        assert said.stderr.startswith("row 3: says another record, time, person or act")
