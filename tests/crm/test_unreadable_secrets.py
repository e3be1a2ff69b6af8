"""A secret whose file cannot be read keeps its own connection only; that is told, and mended by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from taskhub.cli.connected import of_connections
from taskhub.connectors.looking import health, store
from taskhub.connectors.looking import service as looking
from taskhub.db.database import Database
from taskhub.db.tables import message
from taskhub.policy.policies import Connection
from taskhub.policy.text import LocalText
from taskhub.testing import organisation as org
from taskhub.testing.clock import SetClock


@pytest.fixture
def db(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Two connections: the secret of ``bad`` is to stand in a file that is not there yet."""
    monkeypatch.setenv("GOOD_TOKEN", "t" * 9)
    monkeypatch.setenv("BAD_TOKEN_FILE", str(tmp_path / "token"))
    home = {"base_url": "https://fake.pipedrive.com"}
    connections = {
        key: Connection(key, "pipedrive", LocalText(key), {"token": f"{key.upper()}_TOKEN"}, settings=home)
        for key in ("bad", "good")
    }
    made = org.database(sqlite_url, org.policies(connections=connections), clock=SetClock())
    yield made
    made.close()


def asked(db: Database, handler: str) -> list[str]:
    with db.read() as tx:
        wanted = select(message.c.key).where(message.c.handler == handler).order_by(message.c.id)
        return list(tx.conn.execute(wanted).scalars())


def look(db: Database, minutes: int = 1) -> None:
    clock = db.clock
    assert isinstance(clock, SetClock)
    clock.forward(minutes=minutes)
    with db.begin() as tx:
        looking.ask(tx)


def doctor(db: Database) -> dict[str, tuple[str, str, str | None]]:
    with db.read() as tx:
        return {one.name: (one.state, one.said, one.todo) for one in of_connections(tx)}


def test_the_others_are_looked_at_and_it_is_told_once(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        look(db)
    assert asked(db, "connection.look") == ["good"]
    assert [one.getMessage().partition(":")[0] for one in caplog.records] == ["connection bad is left out"]
    state, said, todo = doctor(db)["connection bad"]
    assert (state, "BAD_TOKEN_FILE names" in said, "mv" in str(todo)) == ("wrong", True, True)
    assert doctor(db)["connection good"][0] == "ok"


def test_once_it_can_be_read_it_is_looked_at_and_nothing_is_told(db: Database, tmp_path: Path) -> None:
    look(db)
    (tmp_path / "token").write_text("t" * 9)
    look(db)
    assert asked(db, "connection.look") == ["good", "bad"]
    assert doctor(db)["connection bad"][0] == "ok"


def test_what_a_look_was_refused_stays_told(db: Database) -> None:
    with db.begin() as tx:
        store.watch_with(tx, "good", refused="deal: may not be read")
    look(db)
    with db.read() as tx:
        assert store.watched(tx, "good")["refused"] == "deal: may not be read"


def test_webhooks_of_the_others_are_looked_at(db: Database) -> None:
    with db.begin() as tx:
        health.ask(tx)
    assert asked(db, "webhooks.examine") == ["good"]
    assert doctor(db)["connection bad"][0] == "wrong"
