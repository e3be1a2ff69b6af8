"""The only SQL that writes what is known of failing plug-ins, and the pools found for models of others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.db.tables import plugin_state, pool_state
from taskhub.db.tx import Tx


def states(tx: Tx, queues: Collection[str] | None = None) -> list[Any]:
    """Plug-ins that failed last time they were asked, by queue."""
    wanted = select(plugin_state).order_by(plugin_state.c.queue, plugin_state.c.name)
    return list(tx.conn.execute(wanted if queues is None else wanted.where(plugin_state.c.queue.in_(queues))))


def fail(tx: Tx, queue: str, name: str, failures: int, error: str) -> None:
    """One more failure in a row."""
    row = {"queue": queue, "name": name, "failures": failures, "error": error, "at": tx.now}
    _put(tx, plugin_state, ["queue", "name"], row)


def forget(tx: Tx, queue: str, name: str | None = None) -> int:
    """The failures of one plug-in, or of all, in a queue no longer count. How many plug-ins that were."""
    gone = delete(plugin_state).where(plugin_state.c.queue == queue)
    if name is not None:
        gone = gone.where(plugin_state.c.name == name)
    return len(tx.conn.execute(gone.returning(plugin_state.c.name)).all())


def pools(tx: Tx, queues: Collection[str]) -> dict[str, Any]:
    """What was last found for these queues."""
    return {row.queue: row for row in tx.conn.execute(select(pool_state).where(pool_state.c.queue.in_(queues)))}


def save_pool(tx: Tx, queue: str, version: int, members: list[str] | None, facts: dict[str, Any]) -> None:
    """Who is in the pool; None = everybody of the queue's teams."""
    row = {"queue": queue, "version": version, "open": True, "members": members, "facts": facts, "at": tx.now}
    _put(tx, pool_state, ["queue"], row)


def _put(tx: Tx, table: Any, key: list[str], row: dict[str, Any]) -> None:
    statement = (sqlite if tx.lite else postgresql).insert(table).values(**row)
    changed = {name: statement.excluded[name] for name in row if name not in key}
    tx.conn.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))
