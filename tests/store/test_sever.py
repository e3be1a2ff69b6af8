"""A thread that hangs is cut off: whatever state its connection is in, nobody waits for it any more."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest

from taskhub.db.database import Database
from taskhub.db.tables import counter

LONG = 60.0


@pytest.mark.parametrize("gone", [False, True])
def test_who_is_severed_holds_up_nobody(database_url: str, gone: bool) -> None:
    """``gone``: its connection was closed at that very moment."""
    begun, free = threading.Event(), threading.Event()

    def hang() -> None:
        try:
            with db.begin() as tx:
                tx.conn.execute(counter.insert().values(name="cut", value=1))
                driver: Any = tx.conn.connection.driver_connection
                if gone:
                    driver.close()
                begun.set()
                free.wait(LONG)
        except Exception as error:  # noqa: BLE001  what it says of a connection that is gone is the driver's matter
            said.append(error)

    said: list[Exception] = []
    with closing(Database(database_url, pool=1, flow={}, loader=lambda *_: None)) as db:  # type: ignore[arg-type,return-value]
        thread = threading.Thread(target=hang)
        thread.start()
        assert begun.wait(LONG)
        db.sever(thread.ident or 0)
        with db.begin() as tx:
            tx.conn.execute(counter.insert().values(name="after", value=1))
        free.set()
        thread.join(LONG)
        with db.read() as tx:
            assert tx.conn.execute(counter.select()).all() == [("after", 1)]
    assert said
