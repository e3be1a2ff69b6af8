"""A connection that shows our work again: what changed while it was away, or switched off, is looked at once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, or_, select, tuple_

from taskhub.connectors.write_back.look import their_user
from taskhub.connectors.write_back.model import CLOSED, DONE, OPEN
from taskhub.db.tables import task
from taskhub.db.tables_crm import crm_task
from taskhub.db.tx import Tx
from taskhub.tasks import mirrored
from taskhub.tasks.model import CANCELLED, COMPLETED

Place = Sequence[str]
c = crm_task.c
_STANDS = case((task.c.state == COMPLETED, DONE), (task.c.state == CANCELLED, CLOSED), else_=OPEN)


def catch_up(tx: Tx, after: Place, most: int) -> Place | None:
    """Has up to ``most`` tasks that stand otherwise here looked at. Returns where to go on; None: that was all.

    ``after`` is empty at the start. Changes arm nothing while nobody is there to be shown them.
    """
    shown = sorted(tx.policies.mirrored)
    if not shown:
        return None
    moved = or_(c.wanted != _STANDS, and_(c.wanted == OPEN, task.c.agent.is_not(None)))
    wanted = select(c.connection, c.task, c.wanted, c.wanted_owner, task.c.agent, _STANDS.label("stands"))
    wanted = wanted.join_from(crm_task, task, task.c.id == c.task).where(c.connection.in_(shown), moved)
    if after:
        wanted = wanted.where(tuple_(c.connection, c.task) > tuple_(*after))
    rows = tx.conn.execute(wanted.order_by(c.connection, c.task).limit(most)).all()
    for row in rows:
        if row.wanted != row.stands or _handed(tx, row):
            tx.emit(mirrored.TOPIC, row.task, due_at=tx.after(mirrored.QUIET_FOR))
    return [rows[-1].connection, rows[-1].task] if len(rows) == most else None


def _handed(tx: Tx, row: Any) -> bool:
    return their_user(tx.policies.connections[row.connection], row.agent) not in (None, row.wanted_owner)
