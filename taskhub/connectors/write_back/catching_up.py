"""A connection that shows our work again: what changed while it was away, or switched off, is looked at once more."""

from __future__ import annotations

from taskhub.connectors.write_back import queries
from taskhub.connectors.write_back.look import their_user
from taskhub.connectors.write_back.queries import Place, Standing
from taskhub.db.tx import Tx
from taskhub.tasks import mirrored


def catch_up(tx: Tx, after: Place, most: int) -> Place | None:
    """Has up to ``most`` tasks that stand otherwise here looked at. Returns where to go on; None: that was all.

    ``after`` is empty at the start. Changes arm nothing while nobody is there to be shown them.
    """
    rows = queries.standing_otherwise(tx, after, most)
    for row in rows:
        if row.wanted != row.stands or _handed(tx, row):
            tx.emit(mirrored.TOPIC, row.task, due_at=tx.after(mirrored.QUIET_FOR))
    return [rows[-1].connection, rows[-1].task] if len(rows) == most else None


def _handed(tx: Tx, row: Standing) -> bool:
    return their_user(tx.policies.connections[row.connection], row.agent) not in (None, row.wanted_owner)
