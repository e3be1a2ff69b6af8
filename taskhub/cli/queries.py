"""What commands look up across rooms: reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, or_, select, text

from taskhub.db.tables import agent, api_key, event, job_fired, message, task
from taskhub.db.tables_connectors import poll_watch
from taskhub.db.tx import Tx

AT_ONCE = 500
MOST = 10_000
OPEN_ROW = "done_at is null and dead_at is null"


def any_key(tx: Tx) -> bool:
    """Whether somebody can call the API."""
    lasting = or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > tx.real_now)
    live = exists().where(api_key.c.revoked_at.is_(None), lasting)
    return bool(tx.conn.execute(select(live)).scalar())


def event_states(tx: Tx, ids: Sequence[str]) -> Counter[str]:
    """How many of these events are in each state."""
    states: Counter[str] = Counter()
    for some in _some(ids):
        rows = select(event.c.state, func.count()).where(event.c.id.in_(some)).group_by(event.c.state)
        states.update({row[0]: row[1] for row in tx.conn.execute(rows)})
    return states


def tasks_made(tx: Tx, ids: Sequence[str]) -> int:
    """How many tasks these events made."""
    counts = (select(func.count()).select_from(task).where(task.c.event.in_(some)) for some in _some(ids))
    return sum(tx.conn.execute(count).scalar_one() for count in counts)


def due_rows(tx: Tx) -> int:
    """How many rows of the ledger are due, counted up to MOST."""
    return _count(tx, select(message.c.id).where(text(OPEN_ROW), message.c.due_at <= tx.now))


def oldest_due(tx: Tx) -> tuple[str, datetime] | None:
    """Topic and due time of the row that has been due longest and is not held."""
    free = or_(message.c.until.is_(None), message.c.until <= tx.now)
    wanted = select(message.c.topic, message.c.due_at).where(text(OPEN_ROW), message.c.due_at <= tx.now, free)
    row = tx.conn.execute(wanted.order_by(message.c.due_at).limit(1)).first()
    return (row.topic, row.due_at) if row else None


def dead_rows(tx: Tx) -> int:
    """How many rows failed for good, counted up to MOST."""
    return _count(tx, select(message.c.id).where(text("dead_at is not null")))


def stuck_outside(tx: Tx) -> list[tuple[str, int, int, str]]:
    """(handler, rows, most tries, an error) of deliveries whose last try failed."""
    which = text(f"mode = 'outside' and {OPEN_ROW}"), message.c.error.is_not(None)
    c = message.c
    wanted = select(c.handler, func.count(), func.max(c.attempts), func.max(func.substr(c.error, 1, 120))).where(*which)
    return [tuple(row) for row in tx.conn.execute(wanted.group_by(c.handler).order_by(c.handler))]


def inbox(tx: Tx) -> tuple[int, datetime | None]:
    """How many events wait to be applied, up to MOST, and since when."""
    received = event.c.state == "received"
    oldest = tx.conn.execute(select(func.min(event.c.received_at)).where(received)).scalar()
    return _count(tx, select(event.c.id).where(received)), oldest


def quarantined(tx: Tx) -> int:
    """How many events wait for somebody to look, up to MOST."""
    return _count(tx, select(event.c.id).where(event.c.state == "quarantined"))


def last_firing(tx: Tx) -> datetime | None:
    """When a calendar job last fired."""
    at: datetime | None = tx.conn.execute(select(func.max(job_fired.c.at))).scalar()
    return at


def server_version(tx: Tx) -> str:
    """The version of the database."""
    asked = "SELECT sqlite_version()" if tx.lite else "SHOW server_version"
    return str(tx.conn.execute(text(asked)).scalar_one()).partition(" ")[0]


def settings(tx: Tx, names: Sequence[str]) -> dict[str, str]:
    """Settings of PostgreSQL."""
    rows = tx.conn.execute(
        text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": list(names)}
    )
    return {row.name: row.setting for row in rows}


def dead_tuples(tx: Tx) -> list[tuple[str, int, int, datetime | None]]:
    """(table, live, dead, last vacuum) of every table of PostgreSQL."""
    asked = """SELECT relname, n_live_tup, n_dead_tup, greatest(last_vacuum, last_autovacuum)
        FROM pg_stat_user_tables ORDER BY n_dead_tup DESC"""
    return [tuple(row) for row in tx.conn.execute(text(asked))]


def oldest_transaction(tx: Tx) -> tuple[int | None, float]:
    """Process and age in seconds of the transaction that has been open longest, our own left out."""
    asked = """SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::float FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        ORDER BY xact_start LIMIT 1"""
    row = tx.conn.execute(text(asked)).first()
    return (row[0], row[1]) if row else (None, 0.0)


def connections(tx: Tx) -> tuple[int, int]:
    """Connections in use, and how many there may be."""
    asked = "SELECT (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int"
    used, most = tx.conn.execute(text(asked)).one()
    return used, most


def _count(tx: Tx, wanted: Select[Any]) -> int:
    return int(tx.conn.execute(select(func.count()).select_from(wanted.limit(MOST).subquery())).scalar_one())


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))


def members(tx: Tx, team: str) -> list[str]:
    """Keys of the people of a team."""
    return list(tx.conn.execute(select(agent.c.key).where(agent.c.team == team).order_by(agent.c.key)).scalars())


def looks(tx: Tx) -> dict[str, dict[str, Any]]:
    """What is known of the looks at each connection."""
    return {row["connection"]: dict(row) for row in tx.conn.execute(select(poll_watch)).mappings()}
