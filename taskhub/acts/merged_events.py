"""What follows where an event is about a record that was merged, or says that one was."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.ids import new_id
from taskhub.notes import service as notes
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges
from taskhub.sales.service import Projected
from taskhub.sales.stated import statements
from taskhub.tasks import joining


def settle(tx: Tx, done: Projected) -> list[str]:
    """Work and notes about a record that is gone follow to the one that stays. Returns the ids of those tasks."""
    ref = done.event.record
    if ref is None:
        return []
    if done.late is None:
        _told(tx, done, ref)
    return _follow(tx, ref) if done.late or statements(done.event)[ref].get("merged_into") else []


def _told(tx: Tx, done: Projected, ref: RecordRef) -> None:
    """Its own system says where it merged it into; once, and a merge that would go round is not believed."""
    event = done.event
    into = statements(event)[ref].get("merged_into")
    if isinstance(into, str) and event.source != own.SOURCE:
        sales.went(tx, new_id(), ref, RecordRef(ref.noun, into), event)


def _follow(tx: Tx, ref: RecordRef) -> list[str]:
    """Step by step, so that each merge knows what followed because of it."""
    moved: set[str] = set()
    while (one := merges.live(tx, ref)) is not None:
        joined = joining.join(tx, one.gone, one.stays)
        notes.carry(tx, one.gone, one.stays, one.id)
        merges.more_followed(tx, one, joined.was, joined.closed)
        moved |= joined.was.keys()
        ref = merges.ref_of(one.stays)
    return sorted(moved)
