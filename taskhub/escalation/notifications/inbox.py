"""A person's list of notices: everything they were told, whether or not it left the house as well."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.escalation.notifications import store


def of(
    tx: Tx, agent: str, after: tuple[datetime, str] | None, limit: int, *, unread: bool = False
) -> tuple[list[Any], tuple[datetime, str] | None]:
    """One page of a person's notices, newest first, and where the next begins."""
    rows = store.inbox(tx, agent, after, limit + 1, unread=unread)
    page = rows[:limit]
    return page, (page[-1].at, page[-1].id) if len(rows) > limit else None


def unread(tx: Tx, agent: str) -> int:
    """How many of them they have not read."""
    return store.count_unread(tx, agent)


def read(tx: Tx, agent: str, ids: Collection[str] | None, until: datetime | None) -> int:
    """These, or all up to ``until`` (now), have been read. Returns how many had not been."""
    return store.read(tx, agent, ids, until or tx.now)
