"""Which tasks a list may show: what was asked for, narrowed to what the caller sees."""

from __future__ import annotations

from typing import Any

from taskhub.access.permissions import Caller, reaches_all
from taskhub.access.roles import REP
from taskhub.api import queries, seen
from taskhub.db.tx import Tx


def narrowed(tx: Tx, who: Caller, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Filters for the tasks room; None when nothing can match."""
    if reaches_all(who, "task.read") or (asked.get("agent") and asked["agent"] == who.by.agent):
        return asked
    visible = set(seen.queues(who, tx.policies) or ())
    if REP in who.by.roles and not visible:
        return _asked_for(tx, who, asked)
    queue = asked.get("queue")
    if queue is not None:
        visible &= {queue}
    return {**asked, "queue": sorted(visible)} if visible else None


def _asked_for(tx: Tx, who: Caller, asked: dict[str, Any]) -> dict[str, Any] | None:
    ids = queries.asked_by(tx, who.by.label)
    return {**asked, "id": ids} if ids else None
