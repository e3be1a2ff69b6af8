"""While somebody else's code thinks, nobody waits for it: on SQLite too, where there is one writer."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from taskhub.db.database import Database
from taskhub.db.tables import plugin_state
from tests.service.house import wait_for
from tests.service.plugged import present, written
from tests.service.test_plugins import opened

# Says that it was asked, and answers when somebody else has written meanwhile.
THINKS = """
import os, time
def thinks(folder):
    open(os.path.join(folder, "asked"), "w").close()
    while not os.path.exists(os.path.join(folder, "written")):
        time.sleep(0.01)
def {name}
"""
STRATEGY = "key(self, who, shape, queue):\n    thinks({folder!r})\n    return (who.load,)\nBad.key = key\n"
MODEL = "refused(self, ask):\n    thinks({folder!r})\n    return {{}}\nBadModel.refused = refused\n"
PATIENCE = 20.0


@pytest.mark.parametrize("part", ["strategy", "model"])
def test_others_write_while_a_plug_in_thinks(database_url: str, tmp_path: Path, part: str) -> None:
    body = THINKS.format(name={"strategy": STRATEGY, "model": MODEL}[part].format(folder=str(tmp_path)))
    named = {"strategy": "bad"} if part == "strategy" else {"model": "bad_model", "params": {}}
    with present(written(tmp_path / "site", body), deadline=PATIENCE):
        desk = opened(database_url, **named) if part == "strategy" else None
        if desk is None:
            (tmp_path / "written").touch()
            desk = opened(database_url, **named)
            (tmp_path / "written").unlink()
            (tmp_path / "asked").unlink()
        id_ = desk.make("odd")
        work = threading.Thread(target=desk.drain)
        work.start()
        wait_for((tmp_path / "asked").exists)
        other = desk.make("even")  # another writer, while the pass waits for the plug-in
        (tmp_path / "written").touch()
        work.join()
        desk.drain()
        assert desk.rows(plugin_state) == []
        assert desk.task(id_).agent in ("sue", "tom")
        assert desk.task(other).agent == "una"
        desk.db.close()


def test_a_transaction_that_has_written_is_not_torn_apart(sqlite_url: str) -> None:
    db = Database(sqlite_url, flow={}, loader=lambda _texts, _resolved: None)  # type: ignore[arg-type,return-value]
    with suppress(RuntimeError), db.begin() as tx:
        tx.conn.exec_driver_sql("insert into counter (name, value) values ('x', 1)")
        with tx.aside():
            assert tx.conn.in_transaction()
        raise RuntimeError
    with db.read() as tx:
        assert tx.conn.exec_driver_sql("select count(*) from counter where name = 'x'").scalar() == 0
    db.close()


def test_whoever_steps_aside_takes_their_place_again(sqlite_url: str) -> None:
    db = Database(sqlite_url, flow={}, loader=lambda _texts, _resolved: None)  # type: ignore[arg-type,return-value]
    done = []
    with db.begin() as tx:
        with tx.aside():
            with db.begin() as other:
                other.conn.exec_driver_sql("insert into counter (name, value) values ('other', 1)")
            done.append("other")
        assert tx.conn.exec_driver_sql("select value from counter where name = 'other'").scalar() == 1
        tx.conn.exec_driver_sql("insert into counter (name, value) values ('own', 1)")
    with db.read() as tx:
        assert tx.conn.exec_driver_sql("select count(*) from counter").scalar() == 2
    assert done == ["other"]
    db.close()
