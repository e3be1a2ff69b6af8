"""What is on its way to each CRM, what was given up, and what may stand otherwise. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select, tuple_

from taskhub.connectors.write_back.model import CLOSED, DONE, OPEN
from taskhub.db.tables import message, task
from taskhub.db.tables_crm import crm_task
from taskhub.db.tx import Tx
from taskhub.tasks.model import CANCELLED, COMPLETED

HANDLERS = ("crm.work", "crm.ask", "crm.answered", "event.send")
c = message.c
_CONNECTION = c.payload["connection"].as_string()
_OURS = and_(c.handler.in_(HANDLERS), c.done_at.is_(None))


@dataclass(frozen=True, slots=True)
class Load:
    """Of one connection: rows that wait (``failing``: of these, tried before) and rows that were given up."""

    waiting: int = 0
    failing: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row. ``what``: task, act or event; ``about`` its id; ``dead_at`` None: tried again at ``due_at``.

    Of an event ``about`` names its type, too.
    """

    row: int
    connection: str
    what: str
    about: str
    tries: int
    due_at: datetime
    dead_at: datetime | None
    reason: str


Place = Sequence[str]
_STANDS = case((task.c.state == COMPLETED, DONE), (task.c.state == CANCELLED, CLOSED), else_=OPEN)


class Standing(NamedTuple):
    """How a task is to stand in a CRM as it was last seen, and how it ``stands`` here, in whose hands."""

    connection: str
    task: str
    wanted: str
    wanted_owner: str | None
    agent: str | None
    stands: str


def standing_otherwise(tx: Tx, after: Place, most: int) -> list[Standing]:
    """Tasks of connections that show ours which may stand otherwise by now, in the order of (connection, task)."""
    own = crm_task.c
    moved = or_(own.wanted != _STANDS, and_(own.wanted == OPEN, task.c.agent.is_not(None)))
    wanted = select(own.connection, own.task, own.wanted, own.wanted_owner, task.c.agent, _STANDS)
    wanted = wanted.join_from(crm_task, task, task.c.id == own.task)
    wanted = wanted.where(own.connection.in_(sorted(tx.policies.mirrored)), moved)
    if after:
        wanted = wanted.where(tuple_(own.connection, own.task) > tuple_(*after))
    rows = tx.conn.execute(wanted.order_by(own.connection, own.task).limit(most))
    return [Standing(*row) for row in rows]


def loads(tx: Tx) -> dict[str, Load]:
    """By connection."""
    alive = c.dead_at.is_(None)
    counts = [func.sum(case((which, 1), else_=0)) for which in (alive, and_(alive, c.error.is_not(None)), ~alive)]
    rows = tx.conn.execute(select(_CONNECTION, *counts).where(_OURS, _CONNECTION.is_not(None)).group_by(_CONNECTION))
    return {row[0]: Load(*map(int, row[1:])) for row in rows}


def of(tx: Tx, connection: str, most: int, *, dead: bool = False) -> Sequence[Delivery]:
    """What is on its way to one, the soonest first; ``dead``: only what was given up."""
    wanted = select(message).where(_OURS, connection == _CONNECTION)
    if dead:
        wanted = wanted.where(c.dead_at.is_not(None))
    return [_delivery(row) for row in tx.conn.execute(wanted.order_by(c.due_at, c.id).limit(most))]


def _delivery(row: Any) -> Delivery:
    task = row.payload.get("task")
    reason = (row.error or "").partition("\n")[0]
    event = row.payload.get("type")
    what = "task" if task else "event" if event else "act"
    about = task or (f"{event} {row.key}" if event else row.key)
    return Delivery(row.id, row.payload["connection"], what, about, row.attempts, row.due_at, row.dead_at, reason)
