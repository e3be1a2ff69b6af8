"""Somebody writes a note on a record or a task. The record is held meanwhile: a conversion carries it along, or not."""

from __future__ import annotations

from collections.abc import Callable

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound
from taskhub.events.model import RecordRef
from taskhub.notes import service as notes
from taskhub.notes.model import Draft, Note
from taskhub.sales import service as sales

TASK = "task"


def add(tx: Tx, noun: str, id_: str, draft: Draft, may: Callable[[], object]) -> Note:
    """A note on one record or task. Raises NotFound, or Conflict for a record that is deleted.

    ``may`` raises for what the caller may not write on; it is asked behind the lock.
    """
    hold(tx, noun, id_)
    may()
    return notes.add(tx, [f"{noun}:{id_}"], draft)


def hold(tx: Tx, noun: str, id_: str) -> None:
    """Locks a record that is about to get a note. Raises NotFound, or Conflict where it is deleted."""
    if noun == TASK:
        return
    state = sales.locked(tx, RecordRef(noun, id_))
    if state is None:
        raise NotFound(sales.UNSEEN)
    if state.fields.get("deleted") is True:
        raise Conflict(f"This {noun} has been deleted.", code="record_deleted", record=f"{noun}:{id_}")
