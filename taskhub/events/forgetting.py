"""What came in is kept for a while, to be read again under other maps; then only what was made of it stays."""

from __future__ import annotations

from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.events import store


def forget_bodies(tx: Tx, state: str, before: datetime, limit: int) -> tuple[int, bool]:
    """Forgets bodies and headers of up to ``limit`` deliveries in ``state``. Returns how many, and whether to go on.

    A sweep goes on where the last one ended, so that its cost does not grow with the inbox.
    """
    after = store.mark(tx.conn, _name(state))
    rows = store.bodies(tx.conn, state, after, before, limit)
    store.forget_bodies(tx.conn, [row.id for row in rows])
    more = len(rows) == limit
    store.set_mark(tx.conn, _name(state), rows[-1].received_at if more else before)
    return len(rows), more


def count_bodies(tx: Tx, state: str, before: datetime, most: int) -> int:
    """How many ``forget_bodies`` would forget, counted up to ``most``."""
    return len(store.bodies(tx.conn, state, store.mark(tx.conn, _name(state)), before, most))


def come_back_to(tx: Tx, state: str, received_at: datetime) -> None:
    """A delivery older than the sweep has got into ``state``: the sweep looks there once more."""
    after = store.mark(tx.conn, _name(state))
    if after is not None and received_at < after:
        store.set_mark(tx.conn, _name(state), received_at)


def _name(state: str) -> str:
    return f"bodies.{state}"
