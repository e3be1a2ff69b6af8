"""The only SQL that writes what of ours stands in a CRM."""

from __future__ import annotations

from dataclasses import asdict, fields

from sqlalchemy import select, update

from taskhub.connectors.write_back.model import Binding
from taskhub.db import rows
from taskhub.db.tables_crm import crm_task
from taskhub.db.tx import Tx

_COLUMNS = [crm_task.c[field.name] for field in fields(Binding)]


def lock(tx: Tx, connection: str, task: str) -> Binding | None:
    """How a task stands in a CRM, locked; None: it never was to stand there."""
    which = crm_task.c.connection == connection, crm_task.c.task == task
    row = tx.conn.execute(select(*_COLUMNS).where(*which).with_for_update()).first()
    return Binding(*row) if row else None


def add(tx: Tx, new: Binding) -> bool:
    """Puts it on record; False when somebody else just has."""
    return bool(rows.add(tx.conn, crm_task, [asdict(new)], unique="connection, task", back="task"))


def save(tx: Tx, one: Binding) -> None:
    """Writes a locked one."""
    which = crm_task.c.connection == one.connection, crm_task.c.task == one.task
    tx.conn.execute(update(crm_task).where(*which).values({**asdict(one), "at": tx.now}))


def in_doubt(tx: Tx, connection: str) -> list[str]:
    """Tasks of ours that may stand there, though we do not know under which id."""
    which = crm_task.c.connection == connection, crm_task.c.theirs.is_(None), crm_task.c.tried_at.is_not(None)
    return list(tx.conn.execute(select(crm_task.c.task).where(*which)).scalars())


def task_of(tx: Tx, connection: str, theirs: str) -> str | None:
    """Which task of ours they know under that id."""
    which = crm_task.c.connection == connection, crm_task.c.theirs == theirs
    return tx.conn.execute(select(crm_task.c.task).where(*which)).scalar()
