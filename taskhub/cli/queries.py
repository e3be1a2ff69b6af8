"""What commands look up across rooms: reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, exists, func, not_, select

from taskhub.db.tables import agent, api_key, event, history, lease, sweep, task
from taskhub.db.tx import Tx

AT_ONCE = 500


def any_key(tx: Tx) -> bool:
    """Whether somebody can call the API."""
    live = exists().where(api_key.c.revoked_at.is_(None))
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


def broken_rules(tx: Tx) -> list[str]:
    """What must never be, and is: in words. An empty list is the rule."""
    working, leased = task.c.state == "in_progress", exists().where(lease.c.task == task.c.id)
    holding = task.c.state.in_(("assigned", "in_progress", "paused"))
    stray = not_(exists().where(task.c.id == lease.c.task, working))
    found = (
        ("tasks in progress without a lease", _tasks(tx, and_(working, not_(leased)))),
        ("tasks with nobody although given", _tasks(tx, and_(holding, task.c.agent.is_(None)))),
        ("waiting tasks that somebody holds", _tasks(tx, and_(task.c.state == "queued", task.c.agent.is_not(None)))),
        ("leases without a task in progress", _count(tx, select(func.count()).select_from(lease).where(stray))),
        ("people who hold more than their capacity", len(_overloaded(tx))),
        ("records whose history has a gap", _gaps(tx)),
    )
    return [f"{count} {what}" for what, count in found if count]


def last_sweep_s(tx: Tx) -> float | None:
    """Seconds since a worker last looked; None: none ever did."""
    at = tx.conn.execute(select(sweep.c.at)).scalar()
    return (tx.real_now - at).total_seconds() if at else None


def _tasks(tx: Tx, which: ColumnElement[bool]) -> int:
    return _count(tx, select(func.count()).select_from(task).where(which))


def _count(tx: Tx, statement: object) -> int:
    return int(tx.conn.execute(statement).scalar_one())  # type: ignore[call-overload]


def _overloaded(tx: Tx) -> list[str]:
    """A manager may give by hand, but never above what somebody can carry."""
    held = select(task.c.agent, func.count().label("held")).where(task.c.state.in_(("assigned", "in_progress")))
    load = held.group_by(task.c.agent).subquery()
    over = select(agent.c.key).join(load, load.c.agent == agent.c.key).where(load.c.held > agent.c.capacity)
    return list(tx.conn.execute(over).scalars())


def _gaps(tx: Tx) -> int:
    per = select(func.max(history.c.seq).label("last"), func.count().label("rows"))
    each = per.group_by(history.c.noun, history.c.id).subquery()
    return _count(tx, select(func.count()).select_from(each).where(each.c.last != each.c.rows))


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))
