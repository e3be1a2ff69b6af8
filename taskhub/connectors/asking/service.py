"""What was asked of a CRM: for the acts that ask and answer, and for whoever shows its records."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from taskhub.connectors.asking import store
from taskhub.connectors.asking.model import CrmAct
from taskhub.db import ledger
from taskhub.db.tx import Tx


def add(tx: Tx, new: CrmAct) -> None:
    """Puts it on record; its record is locked, so that nobody else asks meanwhile."""
    store.add(tx, new)


def get(tx: Tx, id_: str, *, locked: bool = False) -> CrmAct | None:
    """One of them; None when there is none."""
    return store.get(tx, id_, locked=locked)


def save(tx: Tx, one: CrmAct) -> None:
    """Writes a locked one."""
    store.save(tx, one)


def pending(tx: Tx, records: Collection[str]) -> dict[str, CrmAct]:
    """What waits for an answer, by record (noun:id)."""
    return store.pending(tx, records)


def open_of(tx: Tx, connection: str, kind: str) -> list[CrmAct]:
    """What a connection has been asked and has not answered, the oldest first."""
    return store.open_of(tx, connection, kind)


def in_doubt(tx: Tx, connection: str, kind: str, until: datetime) -> list[CrmAct]:
    """What a connection was asked until then and may have done, its word not heard yet; the newest first."""
    return store.in_doubt(tx, connection, kind, until)


def wind_up(tx: Tx, id_: str) -> None:
    """A delivery that is dead runs once more, finds its act ended, and is done: nobody has to see to it."""
    row = store.dead_row(tx, id_)
    if row is not None:
        ledger.revive(tx.conn, row, tx.now)


def given_up(tx: Tx, most: int) -> list[tuple[str, str]]:
    """Id and last error of what waits for an answer, is not tried any more, and is not marked so yet."""
    return store.given_up(tx, most)


def about(tx: Tx, record: str) -> list[CrmAct]:
    """What was asked about a record, or has made it; the newest first."""
    return store.about(tx, record)


def forget(tx: Tx, before: datetime, limit: int) -> tuple[int, bool]:
    """What was said with acts that ended before then goes, the acts stay. Returns how many, and whether to go on."""
    gone = store.forget(tx, before, limit)
    return gone, gone == limit


def count(tx: Tx, before: datetime) -> int:
    """How many would be emptied."""
    return store.count(tx, before)
