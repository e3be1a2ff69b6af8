"""What waits for a CRM, and another try of what was given up."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.connectors.write_back import queries
from taskhub.connectors.write_back.queries import Delivery, Load
from taskhub.db import ledger
from taskhub.db.tx import Tx

MOST = 500


def loads(tx: Tx) -> dict[str, Load]:
    """How much is on its way to each connection."""
    return queries.loads(tx)


def of(tx: Tx, connection: str) -> Sequence[Delivery]:
    """What is on its way to one of them, or was given up."""
    return queries.of(tx, connection, MOST)


def replay(tx: Tx, connection: str) -> int:
    """Tries what was given up again from the start; returns how many. Nothing is written twice: each looks first."""
    found = queries.of(tx, connection, MOST, dead=True)
    for one in found:
        ledger.revive(tx.conn, one.row, tx.now)
        tx.record("connection", connection, "replay", {one.what: one.about, "reason": one.reason})
    return len(found)
