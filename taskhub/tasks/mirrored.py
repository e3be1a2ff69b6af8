"""Work of a record that a CRM owns may be shown there: whoever shows it looks again once a change has stood a while.

A change is looked at ten seconds after the last one: what was taken back by then never left the house.
"""

from __future__ import annotations

from datetime import timedelta

from taskhub.db.tx import Tx
from taskhub.tasks.model import Task

TOPIC = "work.changed"
QUIET_FOR = timedelta(seconds=10)


def connection_of(tx: Tx, task: Task) -> str | None:
    """The connection whose record the task is about, where it shows our tasks: ids of a CRM begin with its key."""
    record = task.record.partition(":")[2] if task.record else None
    for id_ in (task.deal, task.lead, record):
        key, mark, _ = (id_ or "").partition(":")
        if mark and key in tx.policies.mirrored:
            return key
    return None


def changed(tx: Tx, task: Task) -> None:
    """Somebody has it, has it no longer, or it has ended or come back."""
    if tx.policies.mirrored and connection_of(tx, task) is not None:
        tx.emit(TOPIC, task.id, due_at=tx.after(QUIET_FOR))


def given(tx: Tx, task_id: str) -> None:
    """The same of a task whose record is not at hand: the look finds out."""
    if tx.policies.mirrored:
        tx.emit(TOPIC, task_id, due_at=tx.after(QUIET_FOR))
