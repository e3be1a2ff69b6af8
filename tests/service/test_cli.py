"""The command line: what is printed where, exit codes, and that nothing ends in a traceback."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from taskhub import bootstrap
from taskhub.cli import place, queries
from taskhub.cli.app import app
from taskhub.cli.pieces import pieces
from taskhub.db import policy_set
from taskhub.db.tables import history

Run = Callable[..., Result]
LEAD = {"specversion": "1.0", "source": "crm", "type": "lead.created"}
DEAL = {
    "data": {"id": 8, "title": "Alpha", "value": 100, "currency": "EUR", "status": "open", "stage_id": 1},
    "previous": None,
    "meta": {"action": "create", "entity": "deal", "entity_id": "8", "company_id": "1", "id": "m1", "version": "2.0",
             "timestamp": "2026-03-02T09:00:00.000Z"},
}  # fmt: skip


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for name in ("DATABASE_URL", "REDIS_URL", "CONFIG", "DATA", "LOG_FORMAT"):
        monkeypatch.delenv(f"TASKHUB_{name}", raising=False)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield lambda *words: CliRunner().invoke(app, list(map(str, words)))
    root.handlers[:], root.level = before


@pytest.fixture
def data(tmp_path: Path, run: Run) -> Path:
    """A database with the example policies."""
    folder = tmp_path / "data"
    assert run("config", "apply", "--data", folder).exit_code == 0
    return folder


def lead(number: int, **more: Any) -> dict[str, Any]:
    told = {"id": str(number), "name": f"Ana {number}", "company": "Alpha", "status": "open"}
    return {**LEAD, "id": f"e{number}", "subject": str(number), "data": {"lead": told}, **more}


def written(path: Path, *bodies: Any) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in bodies) + "\n")
    return path


def replayed(run: Run, file: Path, source: str, data: Path) -> tuple[dict[str, int], str]:
    done = run("events", "replay", file, "--source", source, "--data", data, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def counts(**given: int) -> dict[str, int]:
    names = ("accepted", "duplicate", "ignored", "quarantined", "refused", "tasks")
    return {name: given.get(name, 0) for name in names}


def a_task(run: Run, data: Path, tmp_path: Path) -> str:
    replayed(run, written(tmp_path / "one.json", lead(1)), "cloudevents", data)
    from taskhub.cli import place

    with place.existing(data) as db, db.read() as tx:
        from taskhub.tasks import service as tasks

        return tasks.find(tx, {}, None, 1)[0][0].id


# ── help, usage, errors ──────────────────────────────────────────────────────────────────────────────────────────────
COMMANDS = (
    (), ("serve",), ("demo",), ("api",), ("worker",), ("db", "upgrade"), ("db", "check"), ("config", "check"),
    ("config", "apply"), ("key", "create"), ("key", "list"), ("key", "revoke"), ("events", "replay"),
    ("sla", "explain"), ("why",), ("ledger", "dead"), ("ledger", "replay"), ("doctor",), ("notifications", "dead"),
    ("notifications", "replay"), ("escalation", "rehearse"),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(run: Run, command: tuple[str, ...]) -> None:
    said = run(*command, "--help")
    assert said.exit_code == 0
    assert "Usage:" in said.stdout


def test_help_loads_neither_the_database_nor_the_web() -> None:
    heavy = "{'sqlalchemy', 'fastapi', 'dramatiq', 'rich.live'}"
    code = f"import sys, taskhub.cli.app; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words", [("nope",), ("events", "replay"), ("key", "create", "--role", "admin"), ("demo", "--lang", "xx")]
)
def test_wrong_usage_is_2(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_looking_at_a_database_that_is_not_there_makes_none(run: Run, tmp_path: Path) -> None:
    for words in (("why", "x"), ("sla", "explain", "x"), ("ledger", "dead"), ("db", "check")):
        said = run(*words, "--data", tmp_path / "none")
        assert said.exit_code == 1
        assert said.stderr.startswith("There is no database at ")
    assert not (tmp_path / "none").exists()


def test_a_database_that_does_not_answer_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKHUB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for words in (("db", "upgrade"), ("doctor",), ("why", "x"), ("key", "create", "--role", "admin", "--name", "me")):
        said = run(*words)
        assert said.exit_code == 1, said.output
        assert "Traceback" not in said.output
        assert isinstance(said.exception, SystemExit)


def test_production_processes_name_what_they_miss(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "TASKHUB_DATABASE_URL and TASKHUB_REDIS_URL" in run("api").stderr
    monkeypatch.setenv("TASKHUB_DATABASE_URL", "postgresql://127.0.0.1/x")
    said = run("worker")
    assert (said.exit_code, said.stderr.partition(".")[0]) == (1, "Set TASKHUB_REDIS_URL")


def test_a_variable_that_cannot_be_read_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for given in ("many", "9" * 5000, "0", "-1", "\u0661"):
        monkeypatch.setenv("TASKHUB_INBOX", given)
        assert f"TASKHUB_INBOX is '{given[:40]}'" in run("doctor", "--data", "x").stdout
    monkeypatch.setenv("TASKHUB_REDIS_URL_FILE", str(tmp_path / "secret"))
    (tmp_path / "secret").write_bytes(b"\xff\x00")
    assert "TASKHUB_REDIS_URL_FILE names " in run("doctor", "--data", "x").stdout


def test_places_that_are_no_database_are_named(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = written(tmp_path / "file", "x")
    create = ("key", "create", "--role", "admin", "--name", "me")
    for command in (("doctor",), create, ("db", "upgrade")):
        said = run(*command, "--data", file)
        assert (said.exit_code, f"{file} is a file. Name the folder" in said.output) == (1, True)
    for said in (run(*create, "--data", file / "x"), run("db", "copy", file / "x", file)):
        assert (said.exit_code, "Error:" in said.output, len(said.stderr.splitlines())) == (1, False, 1)
    for url, named in (
        ("bogus://me:secret@x", "begins with bogus://;"),
        ("me:secret@x", "is no address;"),
        ("me:secret@h/db?a=://x", "is no address;"),
    ):
        monkeypatch.setenv("TASKHUB_DATABASE_URL", url)
        for command in (create, ("doctor",), ("serve",)):
            said = run(*command)
            assert (said.exit_code, f"TASKHUB_DATABASE_URL {named}" in said.output) == (1, True)
            assert "secret" not in said.output


def test_what_commands_advise_is_aimed_at_the_same_database(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    assert run("db", "upgrade", "--data", folder).exit_code == 0
    assert f"`taskhub config apply --data '{folder}'`" in run("doctor", "--data", folder).stdout
    with place.existing(folder) as db, db.begin() as tx:
        tx.conn.exec_driver_sql("DROP TABLE alembic_version")
    assert f"`taskhub db upgrade --data '{folder}'`" in run("db", "check", "--data", folder).stderr
    assert f"`taskhub db upgrade --data '{folder}'`" in run("key", "list", "--data", folder).stderr
    assert place.aim(place.chosen(None)) == ""


# ── tables, policies, keys ───────────────────────────────────────────────────────────────────────────────────────────
def test_tables_are_made_and_checked(run: Run, tmp_path: Path) -> None:
    assert run("db", "upgrade", "--data", tmp_path).exit_code == 0
    assert json.loads(run("db", "check", "--data", tmp_path, "--json").stdout) == {"ok": True, "problems": []}


def test_data_on_the_command_line_wins_over_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHUB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run("db", "upgrade", "--data", tmp_path).exit_code == 0
    assert (tmp_path / "taskhub.db").is_file()


def test_postgres_is_used_where_the_environment_names_it(
    run: Run, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKHUB_DATABASE_URL", empty_postgres_url)
    assert run("config", "apply").exit_code == 0
    assert run("key", "create", "--role", "admin", "--name", "me").exit_code == 0
    findings = {one["name"]: one["state"] for one in json.loads(run("doctor", "--json").stdout)["findings"]}
    assert findings["policies"] == findings["database"] == findings["invariants"] == "ok"


def test_every_problem_of_a_config_is_shown_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kinds.toml").write_text('[[kind]]\nkey = "a"\nname = "A"\nqueue = "desk"\nexpected_minuts = 5\n')
    said = run("config", "check", tmp_path)
    assert said.exit_code == 1
    assert "kinds.toml:5: " in said.stderr
    assert "Did you mean 'expected_minutes'?" in said.stderr
    told = json.loads(run("config", "check", tmp_path, "--json").stdout)
    assert len(told["problems"]) == len(said.stderr.splitlines()) > 1
    assert run("config", "apply", tmp_path, "--data", tmp_path / "data").exit_code == 1


def test_a_folder_and_a_file_that_cannot_be_read_are_said_without_a_line_they_do_not_have(
    run: Run, tmp_path: Path
) -> None:
    file = written(tmp_path / "kinds.toml", "# one", "# two")
    file.write_bytes(file.read_bytes() + b'name = "Caf\xe9"\n')
    (tmp_path / "rules.toml").mkdir()
    missing, given, read = (run("config", "check", where).stderr for where in (tmp_path / "nope", file, tmp_path))
    reads = "taskhub reads all .toml files of one folder\n"
    assert missing == f"{tmp_path / 'nope'}: there is no such folder: {reads}"
    assert given == f"{file}: this is a file; name the folder it is in: {reads}"
    assert read.splitlines() == [
        "kinds.toml:3: this is not text in UTF-8; save the file as UTF-8",
        "rules.toml: cannot be read (Is a directory); let whoever runs taskhub read it, or take it away",
    ]


def test_a_calendar_that_is_over_is_found_before_anybody_applies_it(run: Run, tmp_path: Path) -> None:
    over = '\n[[calendar]]\nkey = "fair"\ntz = "UTC"\nweekly = {}\n'
    over += '[calendar.special_dates]\n2020-01-06 = ["09:00-17:00"]\n'
    for file, text in bootstrap.read_config(bootstrap.example_config()).items():
        (tmp_path / file).write_text(text + over if file == "calendars.toml" else text)
    said = run("config", "check", tmp_path)
    assert said.exit_code == 1
    assert "does not open within five years" in said.stderr


def test_the_example_config_is_good_and_applied_once(run: Run, data: Path) -> None:
    assert run("config", "check").exit_code == 0
    assert json.loads(run("config", "apply", "--data", data, "--json").stdout)["activated"] is False


def test_files_that_can_be_read_take_the_place_of_an_active_set_that_cannot(run: Run, data: Path) -> None:
    with place.existing(data) as db, db.begin() as tx:
        texts = {**bootstrap.read_config(bootstrap.example_config()), "rules.toml": "of = 'another version'\n"}
        policy_set.activate(tx.conn, hash_="0123", files=texts, resolved={}, at=tx.now, by="test")
    said = run("doctor", "--data", data)
    assert (said.exit_code, "taskhub config apply DIR" in said.stdout) == (1, True)
    assert json.loads(run("config", "apply", "--data", data, "--json").stdout)["activated"] is True
    with place.existing(data) as db, db.read() as tx:
        assert "lead-created" in {rule.key for rule in tx.policies.rules}
        (change,) = tx.conn.execute(select(history.c.change).where(history.c.act == "activate")).scalars().all()[-1:]
    assert change == {"was": "0123"}


def test_an_active_set_that_cannot_be_read_hides_nothing_of_the_one_that_is_to_replace_it(
    run: Run, data: Path, tmp_path: Path
) -> None:
    texts = bootstrap.read_config(bootstrap.example_config())
    with place.existing(data) as db, db.begin() as tx:
        unread = {**texts, "rules.toml": "of = 'another version'\n"}
        policy_set.activate(tx.conn, hash_="0123", files=unread, resolved={}, at=tx.now, by="test")
    for file, text in texts.items():
        (tmp_path / file).write_text(text)
    assert run("config", "check", tmp_path, "--data", data).exit_code == 0
    (tmp_path / "kinds.toml").write_text(f"{texts['kinds.toml']}\nrubbish = 1\n")
    for command in ("check", "apply"):
        said = run("config", command, tmp_path, "--data", data)
        assert (said.exit_code, "rubbish" in said.output) == (1, True)


def test_a_set_refused_at_a_later_start_leaves_the_old_one(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from taskhub import bootstrap
    from taskhub.cli import place

    (tmp_path / "bad").mkdir()
    with place.existing(data) as db:
        bootstrap.make_policies(db, tmp_path / "bad")
        with db.read() as tx:
            assert "contracts" in tx.policies.queues
    assert "kinds.toml" in caplog.text


def test_a_new_key_stands_alone_on_stdout(run: Run, data: Path) -> None:
    said = run("key", "create", "--role", "admin", "--name", "me", "--data", data)
    assert said.exit_code == 0
    assert said.stdout.startswith("th_live_")
    assert len(said.stdout.split()) == 1
    told = json.loads(run("key", "create", "--role", "auditor", "--name", "a", "--data", data, "--json").stdout)
    assert told["role"] == "auditor"
    refused = run("key", "create", "--role", "boss", "--name", "me", "--data", data)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "There is no role 'boss'" in refused.stderr


def test_keys_are_listed_without_their_secrets_and_revoked(run: Run, data: Path) -> None:
    made = json.loads(run("key", "create", "--role", "admin", "--name", "me", "--data", data, "--json").stdout)
    assert made["expires_at"] is None
    listed = run("key", "list", "--data", data)
    assert (listed.exit_code, made["id"] in listed.stdout, made["key"][-64:] in listed.stdout) == (0, True, False)
    for _ in range(2):
        assert run("key", "revoke", made["id"], "--data", data).exit_code == 0
    (one,) = json.loads(run("key", "list", "--data", data, "--json").stdout)["items"]
    assert one["revoked_at"]
    assert {name: one[name] for name in ("id", "name", "role", "agent", "expires_at")} == {
        "id": made["id"], "name": "me", "role": "admin", "agent": None, "expires_at": None,
    }  # fmt: skip
    with place.existing(data) as db, db.read() as tx:
        ended = select(history.c.id, history.c.by).where(history.c.noun == "key", history.c.act == "revoked")
        assert tx.conn.execute(ended).all() == [(made["id"], "command line")]
        assert not queries.any_key(tx)
    unknown = run("key", "revoke", "none", "--data", data)
    assert (unknown.exit_code, unknown.stderr.strip()) == (1, "There is no key none. `taskhub key list` shows them.")


def test_a_key_ends_when_it_was_told_to(run: Run, data: Path) -> None:
    create = ("key", "create", "--role", "admin", "--name", "me", "--data", data, "--json", "--expires")
    for told, ends in (
        ("2199-01-31T18:00:00+02:00", "2199-01-31T16:00:00Z"),
        ("2199-01-31", "2199-01-31T00:00:00Z"),
        ("2199-01-31 18:00:00Z", "2199-01-31T18:00:00Z"),
    ):
        assert json.loads(run(*create, told).stdout)["expires_at"] == ends
    year = json.loads(run(*create, "366d").stdout)["expires_at"]
    assert datetime.now(UTC) + timedelta(days=365) < datetime.fromisoformat(year)
    for told, said in (
        ("soon", "neither a duration"),
        ("2020-01-31", "lies in the past"),
        ("999999d", "year 2199"),
        ("2200-01-01", "year 2199"),
    ):
        refused = run(*create, told)
        assert (refused.exit_code, refused.stdout, said in refused.stderr) == (1, "", True)
    with place.existing(data) as db, db.read() as tx:
        assert queries.any_key(tx)


# ── events replay ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_events_become_tasks_once(run: Run, data: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "leads.ndjson", *(lead(number) for number in range(120)))
    assert replayed(run, file, "cloudevents", data)[0] == counts(accepted=120, tasks=120)
    assert replayed(run, file, "cloudevents", data)[0] == counts(duplicate=120)


def test_a_database_is_made_for_a_first_replay(run: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "one.json", lead(1))
    assert replayed(run, file, "cloudevents", tmp_path / "new")[0] == counts(accepted=1, tasks=1)


def test_broken_bodies_are_refused_and_the_others_go_on(run: Run, data: Path, tmp_path: Path) -> None:
    other = lead(1, time="2026-03-02T09:00:00Z")
    file = written(tmp_path / "mixed.ndjson", lead(1), "{broken", {"no": "envelope"}, other, lead(2))
    found, said = replayed(run, file, "cloudevents", data)
    assert found == counts(accepted=2, refused=3, tasks=2)
    assert [line.split(": ")[1].rpartition(":")[2] for line in said.splitlines()] == ["2", "3", "4"]


def test_what_has_no_rule_is_ignored_and_what_makes_no_sense_quarantined(run: Run, data: Path, tmp_path: Path) -> None:
    nothing, nonsense = lead(1, type="weather.changed"), lead(2, data={"lead": {"id": "2", "amount": "much"}})
    file = written(tmp_path / "odd.json", [nothing, nonsense])
    assert replayed(run, file, "cloudevents", data)[0] == counts(ignored=1, quarantined=1)


def test_binary_form_keeps_its_headers(run: Run, data: Path, tmp_path: Path) -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "lead.created", "CE-Source": "crm", "ce-id": "b1", "ce-subject": "9",
               "content-type": "application/json"}  # fmt: skip
    body = json.dumps({"lead": {"id": "9", "name": "Zoe"}})
    file = written(tmp_path / "binary.http.json", {"headers": headers, "body": body})
    assert replayed(run, file, "cloudevents", data)[0] == counts(accepted=1, tasks=1)


def test_native_events_need_no_envelope(run: Run, data: Path, tmp_path: Path) -> None:
    bare = {"type": "lead.created", "data": {"lead": {"id": "5", "name": "Ida"}}}
    file = written(tmp_path / "native.json", bare)
    assert replayed(run, file, "cloudevents", data)[0] == counts(accepted=1, tasks=1)
    assert replayed(run, file, "cloudevents", data)[0] == counts(duplicate=1)


def test_raw_bodies_of_a_crm_alone_in_lines_and_in_arrays(run: Run, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deals"
    folder.mkdir()
    second = {**DEAL, "data": {**DEAL["data"], "id": 9}, "meta": {**DEAL["meta"], "entity_id": "9", "id": "m2"}}
    third = {**DEAL, "data": {**DEAL["data"], "id": 10}, "meta": {**DEAL["meta"], "entity_id": "10", "id": "m3"}}
    written(folder / "a.json", DEAL)
    written(folder / "b.json", [second, third])
    written(folder / "c.json", DEAL, second)
    written(folder / "notes.txt", "not read")
    assert replayed(run, folder, "pipedrive", data)[0] == counts(accepted=3, duplicate=2, tasks=3)


def test_recorded_payloads_of_pipedrive(run: Run, data: Path, shared_data: Path) -> None:
    found, said = replayed(run, shared_data / "crm-events" / "pipedrive", "pipedrive", data)
    assert found["refused"] == found["duplicate"] == 0, said
    assert found["accepted"] + found["ignored"] + found["quarantined"] == 8
    assert found["tasks"] >= 2


def test_unknown_sources_and_files_are_named(run: Run, data: Path, tmp_path: Path) -> None:
    said = run("events", "replay", written(tmp_path / "a.json", {}), "--source", "nope", "--data", data)
    assert (said.exit_code, "pipedrive" in said.stderr) == (1, True)
    said = run("events", "replay", tmp_path / "none.json", "--source", "cloudevents", "--data", data)
    assert (said.exit_code, said.stderr.startswith("There is no file")) == (1, True)


def test_a_file_too_big_for_one_body_is_never_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "big.json"
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    assert [len(one.body) for one in pieces(file)] == [5 * 1024 * 1024 + 1]


# ── why, sla, ledger, doctor ─────────────────────────────────────────────────────────────────────────────────────────
def test_why_and_sla_explain_a_task(run: Run, data: Path, tmp_path: Path) -> None:
    task = a_task(run, data, tmp_path)
    told = json.loads(run("why", task, "--data", data, "--json").stdout)
    assert (told["outcome"], told["rerun"]) == ("waiting", "same")
    assert "Nobody may take it now" in run("why", task, "--data", data).stdout
    assert "way:          pull: it goes to" in run("why", task, "--data", data).stdout  # its queue's, and it waits
    french = run("why", task, "--lang", "fr", "--data", data).stdout
    assert "résultat\u00a0:           en attente" in french
    assert not re.search(r"^(outcome|rerun|reason)|waiting|same", french, re.MULTILINE), french
    french = run("sla", "explain", task, "--lang", "fr", "--data", data).stdout
    assert "objectif\u00a0: achèvement\n" in french
    assert not re.search(r"^(target|promise|due)|  counted|  yes  |  no  ", french, re.MULTILINE), french
    said = json.loads(run("sla", "explain", task, "--data", data, "--json").stdout)
    assert [clock["target"] for clock in said["clocks"]] == ["completion", "first_start"]
    assert run("sla", "explain", task, "--data", data).exit_code == 0
    assert run("why", "nope", "--data", data).stderr == "There is no task nope.\n"


def test_dead_work_is_listed_and_replayed(run: Run, data: Path) -> None:
    from taskhub.cli import place

    assert "Nothing has failed" in run("ledger", "dead", "--data", data).stdout
    with place.existing(data) as db, db.begin() as tx:
        tx.emit("task.ready", "x", {"rotation": "desk", "queue": "desk"})
    with place.existing(data) as db, db.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE message SET dead_at = due_at, error = 'broke' WHERE topic = 'task.ready'")
    rows = json.loads(run("ledger", "dead", "--data", data, "--json").stdout)["items"]
    assert {row["error"] for row in rows} == {"broke"}
    assert run("doctor", "--data", data).exit_code == 1
    for row in rows:
        assert json.loads(run("ledger", "replay", row["id"], "--data", data, "--json").stdout)["id"] == row["id"]
    assert json.loads(run("ledger", "dead", "--data", data, "--json").stdout)["items"] == []
    assert run("ledger", "replay", 99_999, "--data", data).exit_code == 1
    with place.existing(data) as db, db.read() as tx:
        acts = tx.conn.exec_driver_sql("SELECT id, act, by FROM history WHERE noun = 'message'").all()
    assert [tuple(one) for one in acts] == [(str(row["id"]), "replay", "command line") for row in rows]


def test_dead_work_is_given_up(run: Run, data: Path) -> None:
    from taskhub.cli import place

    with place.existing(data) as db, db.begin() as tx:
        tx.emit("task.completed", "x", {})
    with place.existing(data) as db, db.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE message SET dead_at = due_at, error = 'broke' WHERE topic = 'task.completed'")
    rows = json.loads(run("ledger", "dead", "--data", data, "--json").stdout)["items"]
    assert len(rows) == 2
    first, second = (row["id"] for row in rows)
    assert run("ledger", "discard", first, "--data", data).exit_code == 2
    assert run("ledger", "discard", first, "--reason", " ", "--data", data).exit_code == 2
    told = run("ledger", "discard", first, "--reason", "no customer", "--data", data, "--json")
    assert json.loads(told.stdout)["id"] == first
    said = run("ledger", "discard", second, "--reason", "no customer", "--data", data).stdout
    assert said == f"Row {second} is given up.\n"
    assert run("ledger", "discard", first, "--reason", "twice", "--data", data).exit_code == 1
    assert run("doctor", "--data", data).exit_code == 0
    with place.existing(data) as db, db.read() as tx:
        acts = tx.conn.exec_driver_sql("SELECT act, by FROM history WHERE noun = 'message'").all()
    assert [tuple(one) for one in acts] == [("discard", "command line")] * 2


def test_the_doctor_is_content_with_a_new_database(run: Run, data: Path) -> None:
    said = run("doctor", "--data", data, "--json")
    assert said.exit_code == 0
    assert {one["state"] for one in json.loads(said.stdout)["findings"]} == {"ok", "note"}
