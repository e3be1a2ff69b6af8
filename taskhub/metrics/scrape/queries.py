"""The house as one look sees it. Every statement reads an index made for it, or no more than MOST rows.

Conditions of partial indexes are written out: as parameters the planner could not match them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select, text, union_all

from taskhub.db import seals
from taskhub.db.tables import LATE, agent, event, lease, message, sweep, task
from taskhub.db.tx import Tx
from taskhub.metrics.scrape.families import Sample

MOST = 20_000
OPEN_ROW = "done_at is null and dead_at is null"
_LANES = [text(f"mode {which} 'outside' and {OPEN_ROW}") for which in ("<>", "=")]
c = message.c


def house(tx: Tx) -> list[Sample]:
    """Every figure of the house. Names queues, topics and states, never people."""
    parts = (_tasks, _late, _leases, _agents, _inbox, _ledger, _failed, _workers, _history)
    return [sample for part in parts for sample in part(tx)]


def _tasks(tx: Tx) -> Iterator[Sample]:
    queued = select(task.c.queue, func.count(), func.min(task.c.created_at), func.min(task.c.start_by))
    for queue, count, oldest, start_by in tx.conn.execute(_by(queued, "state = 'queued'", task.c.queue)):
        yield Sample("taskhub_open_tasks", (queue, "queued"), count)
        yield Sample("taskhub_queue_oldest_seconds", (queue,), _age(tx, oldest))
        yield Sample("taskhub_queue_overdue_seconds", (queue,), _age(tx, start_by))
    held = select(task.c.queue, task.c.state, func.count(), func.min(task.c.started_at))
    wanted = _by(held, "state in ('assigned','in_progress','paused')", task.c.queue, task.c.state)
    for queue, state, count, begun in tx.conn.execute(wanted):
        yield Sample("taskhub_open_tasks", (queue, state), count)
        if state == "in_progress":
            yield Sample("taskhub_lease_oldest_seconds", (queue,), _age(tx, begun))
    blocked = select(task.c.queue, func.count())
    for queue, count in tx.conn.execute(_by(blocked, "state = 'blocked'", task.c.queue)):
        yield Sample("taskhub_open_tasks", (queue, "blocked"), count)


def _late(tx: Tx) -> Iterator[Sample]:
    wanted = _by(select(task.c.queue, task.c.sla_state, func.count()), LATE, task.c.queue, task.c.sla_state)
    for queue, state, count in tx.conn.execute(wanted):
        yield Sample("taskhub_late_tasks", (queue, state), count)


def _leases(tx: Tx) -> Iterator[Sample]:
    ended = func.sum(case((lease.c.expires_at <= tx.now, 1), else_=0))
    count, expired = tx.conn.execute(select(func.count(), ended).select_from(lease)).one()
    yield Sample("taskhub_leases", (), count)
    yield Sample("taskhub_leases_expired", (), expired or 0)


def _agents(tx: Tx) -> Iterator[Sample]:
    wanted = select(agent.c.presence, func.count()).where(agent.c.active).group_by(agent.c.presence)
    for presence, count in tx.conn.execute(wanted):
        yield Sample("taskhub_agents", (presence,), count)


def _inbox(tx: Tx) -> Iterator[Sample]:
    count, oldest = _first_events(tx, "received")
    yield Sample("taskhub_inbox_events", (), count)
    yield Sample("taskhub_inbox_oldest_seconds", (), _age(tx, oldest))
    yield Sample("taskhub_events_quarantined", (), _first_events(tx, "quarantined")[0])


def _first_events(tx: Tx, state: str) -> tuple[int, datetime | None]:
    which = select(event.c.received_at).where(event.c.state == state).order_by(event.c.received_at).limit(MOST)
    found = which.subquery()
    count, oldest = tx.conn.execute(select(func.count(), func.min(found.c.received_at))).one()
    return count, oldest


def _ledger(tx: Tx) -> Iterator[Sample]:
    """Due rows by topic: those nobody has begun, and those that are held."""
    lanes = [
        select(c.topic, c.due_at, c.until).where(lane, c.due_at <= tx.now).order_by(c.due_at).limit(MOST).subquery()
        for lane in _LANES
    ]
    due = union_all(*[select(lane) for lane in lanes]).subquery()
    held = case((due.c.until > tx.now, 1), else_=0)
    counted = select(due.c.topic, held, func.count(), func.min(due.c.due_at)).group_by(due.c.topic, held)
    for topic, is_held, count, oldest in tx.conn.execute(counted):
        yield Sample("taskhub_messages_held" if is_held else "taskhub_messages_due", (topic,), count)
        if not is_held:
            yield Sample("taskhub_messages_oldest_due_seconds", (topic,), _age(tx, oldest))


def _failed(tx: Tx) -> Iterator[Sample]:
    tried = f"attempts > 0 and {OPEN_ROW}"
    for name, condition, also in (
        ("taskhub_messages_retrying", tried, "error is not null"),
        ("taskhub_messages_dead", "dead_at is not null", "handler is not null"),
    ):
        found = select(c.topic).where(text(condition), text(also)).limit(MOST).subquery()
        for topic, count in tx.conn.execute(select(found.c.topic, func.count()).group_by(found.c.topic)):
            yield Sample(name, (topic,), count)


def _workers(tx: Tx) -> Iterator[Sample]:
    at = tx.conn.execute(select(sweep.c.at)).scalar()
    if at is not None:
        yield Sample("taskhub_sweep_age_seconds", (), max(0.0, (tx.real_now - at).total_seconds()))


def _history(tx: Tx) -> Iterator[Sample]:
    rows, at = seals.lag(tx.conn)
    yield Sample("taskhub_history_unsealed_rows", (), rows)
    if at is not None:
        yield Sample("taskhub_seal_age_seconds", (), _age(tx, at))


def _by(wanted: Select[Any], condition: str, *columns: Any) -> Select[Any]:
    return wanted.where(text(condition)).group_by(*columns)


def _age(tx: Tx, at: datetime | None) -> float:
    return max(0.0, (tx.now - at).total_seconds()) if at else 0.0
