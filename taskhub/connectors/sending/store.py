"""The only SQL that writes who has asked not to be told any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from taskhub.db import rows
from taskhub.db.tables_connectors import sending_stop
from taskhub.db.tx import Tx

c = sending_stop.c


class Stop(NamedTuple):
    """Since when a connection is not told anything, and at which address it said so."""

    connection: str
    address: str
    at: datetime


def stops(tx: Tx, connections: Sequence[str] | None = None) -> list[Stop]:
    """All of them, or those of some connections."""
    wanted = select(c.connection, c.address, c.at).order_by(c.connection)
    if connections is not None:
        wanted = wanted.where(c.connection.in_(list(connections)))
    return [Stop(*row) for row in tx.conn.execute(wanted)]


def stopped(tx: Tx, connections: Sequence[str]) -> dict[str, str]:
    """Of those that said so the address: at another one they are told again."""
    return {one.connection: one.address for one in stops(tx, connections)}


def stop(tx: Tx, connection: str, address: str) -> bool:
    """Puts it on record; False when it was known."""
    if stopped(tx, [connection]).get(connection) == address:
        return False
    rows.put(tx.conn, sending_stop, [{"connection": connection, "address": address, "at": tx.now}])
    return True


def resume(tx: Tx, connection: str) -> bool:
    """Takes it back; False when nothing was stopped."""
    return tx.conn.execute(delete(sending_stop).where(c.connection == connection)).rowcount > 0
