"""A house moves from one database to another and goes on there as if nothing had happened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from taskhub.cli.app import app
from taskhub.db import audit, copying, engine, seals
from taskhub.db.tables import counter, history, message, metadata
from taskhub.errors import Conflict, InvalidInput
from tests.api.house import House, open_house
from tests.servers import free_port

ODD = {
    "big": [1e16, 1.2e19, 1e30, -1e17, 3.0, 1e-9], "deep": [{"x": None, "y": [True, 1.0]}], "text": 'Ü ✓ 中 a"\\b\n',
}  # fmt: skip


@pytest.fixture(params=["to postgres", "to sqlite", "to its like"])
def move(request: pytest.FixtureRequest, tmp_path, sqlite_databases, postgres_databases):
    """(source, target): the source has tables, the target is new."""
    lite = lambda **how: sqlite_databases.create(tmp_path, **how)  # noqa: E731
    full = postgres_databases.create
    source, target = {"to postgres": (lite, full), "to sqlite": (full, lite), "to its like": (full, full)}[
        request.param
    ]
    urls = source(), target(migrated=False)
    yield urls
    for url in urls:
        if not engine.is_sqlite(url):
            postgres_databases.drop(url)


def worked(house: House) -> None:
    """A house with some past: work that waits, work in progress, a seal, a number that is gone."""
    house.task(data=ODD)
    house.taken("zoe")
    for _ in range(3):
        house.task()
    with house.db.begin() as tx:
        seals.add(tx.conn, tx.now)
    with house.db.begin() as tx:
        tx.conn.execute(text("DELETE FROM message WHERE id = (SELECT max(id) FROM message)"))


def rows(url: str) -> dict[str, list[Any]]:
    """Every row of every table, in order of the keys."""
    owner = engine.writer(url, 1)
    with owner.connect() as conn:
        found = {
            table.name: [
                {name: value for name, value in row.items() if name != "xid"}
                for row in conn.execute(
                    select(table).order_by(*(table.primary_key.columns or table.columns))
                ).mappings()
                if table is not counter or row["name"] != "fence"
            ]
            for table in metadata.sorted_tables
        }
    owner.dispose()
    return found


def test_everything_comes_over_and_goes_on(move) -> None:
    source, target = move
    with open_house(source) as house:
        worked(house)
        keys = house.keys
        with house.db.read() as tx:
            last = tx.conn.execute(select(func.max(message.c.id))).scalar_one()
    told: list[tuple[str, int]] = []
    done = {one.table: one.rows for one in copying.copy(source, target, lambda *seen: told.append(seen))}
    assert rows(source) == rows(target)
    assert done["task"] == 4
    assert ("task", 4) in told
    goes_on(target, keys, last)


def goes_on(target: str, keys: dict[str, str], last: int) -> None:
    """Numbers go on behind every number that was ever given, the chain holds, people work."""
    from taskhub.api import api
    from taskhub.db.database import Database
    from taskhub.flow import FLOW
    from taskhub.http.state import AppState
    from tests.api.client import running
    from tests.api.house import policies

    db = Database(target, pool=4, flow=FLOW, loader=lambda _texts, _resolved: policies())
    with running(api(AppState(db))) as client:
        one = House(db, None, None, client, keys)  # type: ignore[arg-type]
        with db.read() as tx:
            token = tx.conn.execute(text("SELECT max(token) FROM lease")).scalar_one()
            assert audit.verify(tx.conn).ok
        one.of("zoe").ok("POST", "/api/v1/tasks/claim")
        with db.read() as tx:
            assert tx.conn.execute(text("SELECT max(token) FROM lease")).scalar_one() == token + 1
            new = tx.conn.execute(select(message.c.id).where(message.c.id > last)).scalars().all()
            assert new
            assert min(new) > last + 1, "the number of a row that is gone was given again"
        with db.begin() as tx:
            assert seals.add(tx.conn, tx.now).number == 2
        with db.read() as tx:
            report = audit.verify(tx.conn)
            assert report.rows == tx.conn.execute(select(func.count()).select_from(history)).scalar_one()
            assert (report.ok, report.waiting) == (True, 0)
    db.close()


def test_a_target_that_holds_anything_is_refused(sqlite_url: str, postgres_url: str) -> None:
    owner = engine.writer(postgres_url, 1)
    with owner.begin() as conn:
        conn.execute(text("INSERT INTO counter VALUES ('x', 1)"))
    with pytest.raises(Conflict, match="not empty: it has rows in counter"):
        copying.copy(sqlite_url, postgres_url)
    owner.dispose()


def test_a_source_of_another_version_or_the_same_place_is_refused(
    sqlite_url: str, empty_sqlite_url: str, postgres_url: str
) -> None:
    with pytest.raises(InvalidInput, match="same database"):
        copying.copy(sqlite_url, sqlite_url)
    owner = engine.writer(sqlite_url, 1)
    with owner.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    owner.dispose()
    with pytest.raises(InvalidInput, match="cannot be copied"):
        copying.copy(sqlite_url, postgres_url)


def test_what_came_over_differently_is_taken_back(
    sqlite_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_house(sqlite_url) as house:
        house.task()
    new = copying._as_new
    monkeypatch.setattr(
        copying, "_as_new", lambda table, row: new(table, row) | ({"title": "x"} if table.name == "task" else {})
    )
    with pytest.raises(Conflict, match="task came over differently"):
        copying.copy(sqlite_url, postgres_url)
    assert not any(rows(postgres_url).values())


def test_a_folder_is_made_for_the_copy_and_other_databases_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    with open_house(sqlite_url) as house:
        worked(house)
    said = CliRunner().invoke(app, ["db", "copy", sqlite_url, str(tmp_path / "new" / "folder")])
    assert (said.exit_code, (tmp_path / "new/folder/taskhub.db").is_file()) == (0, True), said.output
    other = CliRunner().invoke(app, ["db", "copy", sqlite_url, "mysql://db/x"])
    assert (other.exit_code, "postgresql://" in other.stderr) == (1, True)


@pytest.mark.parametrize("which", [0, 1])
def test_a_server_that_cannot_be_reached_is_told_with_what_to_do(sqlite_url: str, which: int) -> None:
    nowhere = f"postgresql://taskhub@127.0.0.1:{free_port()}/taskhub"
    ways = [nowhere, sqlite_url] if which == 0 else [sqlite_url, nowhere]
    said = CliRunner().invoke(app, ["db", "copy", *ways])
    assert said.exit_code == 1
    assert re.search("Is the (server|database) running", said.stderr)
    assert "Traceback" not in said.stderr


def test_the_command_says_what_it_did(sqlite_url: str, empty_postgres_url: str) -> None:
    with open_house(sqlite_url) as house:
        worked(house)
    said = CliRunner().invoke(app, ["db", "copy", sqlite_url, empty_postgres_url, "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    assert found["chain"]["ok"]
    assert {one["table"]: one["rows"] for one in found["tables"]}["task"] == 4
    again = CliRunner().invoke(app, ["db", "copy", sqlite_url, empty_postgres_url])
    assert (again.exit_code, "not empty" in again.stderr) == (1, True)
    missing = CliRunner().invoke(app, ["db", "copy", "/nowhere", empty_postgres_url])
    assert (missing.exit_code, "no database at /nowhere" in missing.stderr) == (1, True)
