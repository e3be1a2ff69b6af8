"""Who has answered that it wants no more events, and the way back."""

from __future__ import annotations

from datetime import datetime

from taskhub.connectors.sending import store
from taskhub.db.tx import Tx

STOPPED = "sending.stopped"


def switched_off(tx: Tx) -> dict[str, datetime]:
    """Connections that nothing is sent to, at the address that is set, and since when."""
    addresses = {one.key: one.send.address for one in tx.policies.sending if one.send is not None}
    found = store.stops(tx, list(addresses)) if addresses else []
    return {one.connection: one.at for one in found if one.address == addresses[one.connection]}


def stop(tx: Tx, connection: str, address: str) -> None:
    """It wants nothing more at that address: managers are told, once."""
    if store.stop(tx, connection, address):
        tx.record("connection", connection, "stop_sending", {"answered": 410})
        tx.emit(STOPPED, connection)


def resume(tx: Tx, connection: str) -> bool:
    """It is told again, and what waited leaves when its turn to look comes; False when nothing was switched off."""
    if not store.resume(tx, connection):
        return False
    tx.record("connection", connection, "resume_sending", {})
    return True
