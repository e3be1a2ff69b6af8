"""What follows where an event is about a record that was merged, or says that one was."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.ids import new_id
from taskhub.sales import service as sales
from taskhub.sales.service import Projected
from taskhub.sales.stated import statements
from taskhub.tasks import joining


def settle(tx: Tx, done: Projected) -> list[str]:
    """Work about a record that is gone follows to the one that stays. Returns the ids of the tasks that followed."""
    ref = done.event.record
    if ref is None:
        return []
    to = done.late or _told(tx, done, ref)
    return sorted(joining.join(tx, str(ref), str(to)).was) if to is not None else []


def _told(tx: Tx, done: Projected, ref: RecordRef) -> RecordRef | None:
    """Where its own system merged it into, once; a merge that would go round is not believed."""
    event = done.event
    into = statements(event)[ref].get("merged_into")
    if not isinstance(into, str) or event.source == own.SOURCE:
        return None
    return sales.went(tx, new_id(), ref, RecordRef(ref.noun, into), event)
