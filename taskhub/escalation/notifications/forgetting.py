"""Notifications are kept for a while; those that still wait for their delivery as long as they do."""

from __future__ import annotations

from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.escalation.notifications import store


def forget_notices(tx: Tx, before: datetime, limit: int) -> tuple[int, bool]:
    """Deletes up to ``limit`` notifications made before then. Returns how many, and whether to go on."""
    count = store.forget(tx, before, limit)
    return count, count == limit


def count_notices(tx: Tx, before: datetime, most: int) -> int:
    """How many would be deleted, counted up to ``most``."""
    return store.count_old(tx, before, most)
