"""Idempotency keys: what a call did once, it does not do again; the second gets the reply of the first.

The row is inserted first in the act's own transaction, so that a twin waits for its outcome; rolled back, it is gone.
An act whose twin waits for it anyway, because both lock the same row first, may ``find`` and ``put`` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, tuple_, update
from sqlalchemy.dialects import sqlite

from taskhub.db.quick import later, quick, run
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


_CLAIM = quick(
    "INSERT INTO idempotency (caller, route, key, fingerprint, at) VALUES (:caller, :route, :key, :fingerprint, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1",
    at="timestamptz",
)
_KEEP = quick(
    "UPDATE idempotency SET status = :status, reply = :reply WHERE caller = :caller AND route = :route AND key = :key",
    status="smallint", reply="bytea",
)  # fmt: skip
_PUT = quick(
    "INSERT INTO idempotency (caller, route, key, fingerprint, status, reply, at)"
    " VALUES (:caller, :route, :key, :fingerprint, :status, :reply, :at) ON CONFLICT (caller, route, key) DO UPDATE"
    " SET fingerprint = excluded.fingerprint, status = excluded.status, reply = excluded.reply, at = excluded.at",
    status="smallint", reply="bytea", at="timestamptz",
)  # fmt: skip


def claim(conn: Connection, call: Call, now: datetime) -> Stored | None:
    """None: this transaction is the first and must ``keep`` or ``drop``. Else the reply of the first.

    Waits for a twin that is under way. Raises KeyReused when the key came with another body.
    """
    for _ in range(2):
        if _inserted(conn, call, now):
            return None
        found = conn.execute(select(idempotency).where(_is(call)).with_for_update()).one_or_none()
        if found is not None and found.at > now - KEPT_FOR:
            return answer(call, found.fingerprint, found.status, found.reply)
        conn.execute(delete(idempotency).where(_is(call)))
    return None


def _inserted(conn: Connection, call: Call, now: datetime) -> bool:
    row = {"caller": call.caller, "route": call.route, "key": call.key, "fingerprint": call.fingerprint, "at": now}
    if conn.dialect.name != "sqlite":
        return bool(run(conn, _CLAIM, row))
    return conn.execute(sqlite.insert(idempotency).values(**row).on_conflict_do_nothing()).rowcount == 1


def keep(conn: Connection, call: Call, status: int, reply: bytes) -> None:
    """Adds the reply to the row made by ``claim``."""
    if conn.dialect.name != "sqlite":
        place = {"caller": call.caller, "route": call.route, "key": call.key}
        later(conn, _KEEP, {**place, "status": status, "reply": reply})
    else:
        conn.execute(update(idempotency).where(_is(call)).values(status=status, reply=reply))


def drop(conn: Connection, call: Call) -> None:
    """The call did nothing worth keeping: the same key may try again."""
    conn.execute(delete(idempotency).where(_is(call)))


def find(conn: Connection, call: Call, now: datetime) -> Stored | None:
    """The reply of the first, under a lock that keeps twins apart. Raises KeyReused as ``claim`` does."""
    found = conn.execute(select(idempotency).where(_is(call), idempotency.c.at > now - KEPT_FOR)).one_or_none()
    return answer(call, found.fingerprint, found.status, found.reply) if found is not None else None


def put(conn: Connection, call: Call, status: int, reply: bytes, now: datetime) -> None:
    """Keeps the reply of an act that has looked with ``find``; a row too old to be found gives way."""
    place: dict[str, Any] = {"caller": call.caller, "route": call.route, "key": call.key}
    row = place | {"fingerprint": call.fingerprint, "status": status, "reply": reply, "at": now}
    if conn.dialect.name != "sqlite":
        later(conn, _PUT, row)
        return
    new = sqlite.insert(idempotency).values(**row)
    changed = {name: new.excluded[name] for name in ("fingerprint", "status", "reply", "at")}
    conn.execute(new.on_conflict_do_update(index_elements=["caller", "route", "key"], set_=changed))


def forget(conn: Connection, now: datetime, *, limit: int) -> tuple[int, bool]:
    """Deletes up to ``limit`` replies that are no longer kept. Returns how many, and whether to go on."""
    place = tuple_(idempotency.c.caller, idempotency.c.route, idempotency.c.key)
    old = select(idempotency.c.caller, idempotency.c.route, idempotency.c.key).where(_old(now)).limit(limit)
    count = conn.execute(delete(idempotency).where(place.in_(old))).rowcount
    return count, count == limit


def count_old(conn: Connection, now: datetime) -> int:
    """How many replies are no longer kept."""
    return int(conn.execute(select(func.count()).select_from(idempotency).where(_old(now))).scalar_one())


def _old(now: datetime) -> ColumnElement[bool]:
    return idempotency.c.at <= now - KEPT_FOR


def answer(call: Call, fingerprint: str, status: int, reply: bytes) -> Stored:
    """The kept reply as an answer to ``call``. Raises KeyReused when it was given to another request."""
    if fingerprint != call.fingerprint:
        raise KeyReused("This Idempotency-Key came with another request before. Use a new key for a new request.")
    return Stored(status, bytes(reply))


def _is(call: Call) -> Any:
    c = idempotency.c
    return (c.caller == call.caller) & (c.route == call.route) & (c.key == call.key)
