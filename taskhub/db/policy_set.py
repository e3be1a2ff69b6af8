"""Accepted policy sets: the row with the highest activation is the active one, for every process at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from taskhub.db.tables import policy_set


def texts(conn: Connection, hash_: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The stored texts and resolved form of an accepted set."""
    row = conn.execute(select(policy_set.c.texts, policy_set.c.resolved).where(policy_set.c.hash == hash_)).one()
    return dict(row.texts), dict(row.resolved)


def active_hash(conn: Connection) -> str | None:
    """The hash of the active set; None before the first one is accepted."""
    return conn.execute(select(policy_set.c.hash).order_by(policy_set.c.activation.desc()).limit(1)).scalar()


def active_since(conn: Connection, hash_: str) -> datetime | None:
    """When that set was last made active; None when it never was."""
    return conn.execute(select(policy_set.c.at).where(policy_set.c.hash == hash_)).scalar()


def activate(
    conn: Connection, *, hash_: str, files: Mapping[str, str], resolved: Mapping[str, Any], at: datetime, by: str
) -> bool:
    """Makes the set active. False when it already was."""
    if active_hash(conn) == hash_:
        return False
    next_ = (conn.execute(select(func.max(policy_set.c.activation))).scalar() or 0) + 1
    again = conn.execute(update(policy_set).where(policy_set.c.hash == hash_).values(activation=next_, at=at, by=by))
    if again.rowcount == 0:
        conn.execute(
            insert(policy_set).values(
                hash=hash_, texts=dict(files), resolved=dict(resolved), at=at, by=by, activation=next_
            )
        )
    return True
