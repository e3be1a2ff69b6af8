"""Idempotency keys: what a call did once, it does not do again; the second gets the reply of the first.

The row is inserted first in the act's own transaction, so that a twin waits for its outcome; rolled back, it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import idempotency
from taskhub.errors import KeyReused

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that carries a key. ``route`` is method and route template, ``fingerprint`` names path and body."""

    caller: str
    route: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stored:
    """The kept reply."""

    status: int
    reply: bytes


def claim(conn: Connection, call: Call, now: datetime) -> Stored | None:
    """None: this transaction is the first and must ``keep`` or ``drop``. Else the reply of the first.

    Waits for a twin that is under way. Raises KeyReused when the key came with another body.
    """
    dialect: Any = sqlite if conn.dialect.name == "sqlite" else postgresql
    row = {"caller": call.caller, "route": call.route, "key": call.key, "fingerprint": call.fingerprint, "at": now}
    # PostgreSQL's driver counts no inserted rows: only what comes back tells.
    inserted = dialect.insert(idempotency).values(**row).on_conflict_do_nothing().returning(idempotency.c.key)
    for _ in range(2):
        if conn.execute(inserted).first() is not None:
            return None
        found = conn.execute(select(idempotency).where(_is(call)).with_for_update()).one_or_none()
        if found is not None and found.at > now - KEPT_FOR:
            return _answer(found, call)
        conn.execute(delete(idempotency).where(_is(call)))
    return None


def keep(conn: Connection, call: Call, status: int, reply: bytes) -> None:
    """Adds the reply to the row made by ``claim``."""
    conn.execute(update(idempotency).where(_is(call)).values(status=status, reply=reply))


def drop(conn: Connection, call: Call) -> None:
    """The call did nothing worth keeping: the same key may try again."""
    conn.execute(delete(idempotency).where(_is(call)))


def forget(conn: Connection, now: datetime) -> int:
    """Deletes replies that are no longer kept. Returns how many."""
    return conn.execute(delete(idempotency).where(idempotency.c.at <= now - KEPT_FOR)).rowcount


def _answer(found: Any, call: Call) -> Stored:
    if found.fingerprint != call.fingerprint:
        raise KeyReused("This Idempotency-Key came with another request before. Use a new key for a new request.")
    return Stored(found.status, bytes(found.reply))


def _is(call: Call) -> Any:
    c = idempotency.c
    return (c.caller == call.caller) & (c.route == call.route) & (c.key == call.key)
