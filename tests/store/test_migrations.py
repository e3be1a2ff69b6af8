"""The revisions make exactly the tables that taskhub.db.tables describes, whoever runs them at once."""

import subprocess
import sys
import threading
import time

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from taskhub.db import engine
from taskhub.db.migrate import _config, check, upgrade
from taskhub.db.tables import metadata
from taskhub.errors import InvalidInput


def shape(url: str) -> set[str]:
    """Every table, column, index and constraint as the database itself words it, in no order."""
    owner = engine.writer(url, 1)
    try:
        return _sqlite_shape(owner) if engine.is_sqlite(url) else _postgres_shape(owner)
    finally:
        owner.dispose()


def _sqlite_shape(owner: Engine) -> set[str]:
    with owner.connect() as conn:
        rows = conn.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"))
        return {part for (sql,) in rows for part in _parts(sql)}


def _parts(sql: str) -> set[str]:
    """Columns and constraints one by one: an added column stands behind the constraints."""
    head, _, body = " ".join(sql.replace('"', "").split()).partition("(")
    parts, depth = [""], 0
    for char in body.strip().removesuffix(")"):
        depth += {"(": 1, ")": -1}.get(char, 0)
        parts += [""] if char == "," and not depth else []
        parts[-1] += "" if char == "," and not depth else char
    return {f"{head.strip()}: {part.strip()}" for part in parts}


def _postgres_shape(owner: Engine) -> set[str]:
    columns = "table_name, column_name, data_type, collation_name, is_nullable, column_default"
    constraints = "conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
    facts = (
        f"SELECT {columns} FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        f"SELECT {constraints} FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "SELECT relname, relkind, reloptions FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    )
    with owner.connect() as conn:
        rows = {"|".join(map(str, row)) for fact in facts for row in conn.execute(text(fact))}
    return {row for row in rows if "alembic_version" not in row}


def test_upgrade_makes_what_the_tables_say(empty_database_url, postgres_databases, sqlite_databases, tmp_path):
    upgrade(empty_database_url)
    lite = engine.is_sqlite(empty_database_url)
    other = sqlite_databases.create(tmp_path, migrated=False) if lite else postgres_databases.create(migrated=False)
    owner = engine.writer(other, 1)
    metadata.create_all(owner)
    owner.dispose()
    upgraded, described = shape(empty_database_url), shape(other)
    assert upgraded - described == set()
    assert described - upgraded == set()
    assert len(described) > 50


def test_upgrade_twice_is_quick_and_changes_nothing(database_url):
    before, start = shape(database_url), time.monotonic()
    upgrade(database_url)
    assert shape(database_url) == before
    assert time.monotonic() - start < 2


def test_several_processes_upgrade_at_once(empty_database_url):
    order = "import sys; from taskhub.db.migrate import upgrade; input(); upgrade(sys.argv[1])"
    command = [sys.executable, "-c", order, empty_database_url]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    assert [racer.communicate(timeout=60)[1] for racer in racers] == [""] * 4
    assert check(empty_database_url) == []


def test_check_says_what_is_wrong(empty_database_url):
    assert check(empty_database_url) == ["The tables are missing. Run `taskhub db upgrade`."]
    upgrade(empty_database_url)
    assert check(empty_database_url) == []
    owner = engine.writer(empty_database_url, 1)
    with owner.begin() as conn:
        conn.execute(text("DROP INDEX ix_message_dead"))
        conn.execute(text("ALTER TABLE sweep ADD COLUMN extra text"))
    problems = check(empty_database_url)
    assert len(problems) == 2
    assert all(problem.startswith("The tables were changed by hand: ") for problem in problems)
    owner.dispose()


def test_newer_tables_are_fine_until_something_was_taken_away(database_url):
    """Old processes that are started again during a deploy find the tables of the new version."""
    owner = engine.writer(database_url, 1)
    with owner.begin() as conn:
        conn.execute(text("ALTER TABLE sweep ADD COLUMN extra text"))
        conn.execute(text("UPDATE alembic_version SET version_num = '9998'"))
    assert check(database_url) == []
    upgrade(database_url)
    with owner.begin() as conn:
        conn.execute(text("INSERT INTO counter (name, value) VALUES ('schema.contract', 9998)"))
    owner.dispose()
    told = "The tables are at 9998, which a newer taskhub made. Run that version, or restore a backup."
    assert check(database_url) == [told]
    with pytest.raises(InvalidInput, match="9998"):
        upgrade(database_url)


def test_tables_change_while_others_write(postgres_databases):
    """A step that has to wait for a long transaction lets the others pass meanwhile, and comes again."""
    postgres_url = postgres_databases.create(migrated=False)
    owner = engine.writer(postgres_url, 3)
    with owner.connect() as conn:
        command.upgrade(_config(conn), "0003")  # the next one adds a column to the ledger
        conn.commit()
    with owner.connect() as reader:
        reader.execute(text("SELECT count(*) FROM message"))
        upgrading = threading.Thread(target=upgrade, args=(postgres_url,))
        upgrading.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE message%'"
        with owner.connect() as writer:
            while not writer.execute(text(waiting)).scalar():
                assert upgrading.is_alive()
                writer.rollback()
            writer.execute(text("SET lock_timeout = 5000"))
            writer.execute(text("INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)"
                                " VALUES ('t', 'h', 'k', 'each', '{}', now(), now())"))  # fmt: skip
            writer.commit()
        reader.rollback()
    upgrading.join()
    owner.dispose()
    assert check(postgres_url) == []


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://postgres@/postgres?host=/nowhere"])
def test_check_of_a_database_that_does_not_answer(url):
    (problem,) = check(url)
    assert problem.startswith("The database does not answer: ")


def test_a_failed_upgrade_leaves_nothing(empty_database_url, monkeypatch):
    from alembic import op

    def fail(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(ZeroDivisionError):
        upgrade(empty_database_url)
    owner = engine.writer(empty_database_url, 1)
    assert inspect(owner).get_table_names() == []
    owner.dispose()
