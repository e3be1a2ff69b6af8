"""What people do to records here: told as an event, which goes the way of every event, and seen at once.

The record is as it will be when the event is applied, so that nobody who looks again finds it as it was. Applying the
event a moment later changes nothing more of it: each field has that version already. Only then do rules fire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from taskhub.db.tx import Tx
from taskhub.errors import Conflict, NotFound, VersionClash
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.ids import new_id
from taskhub.sales import native, service, store
from taskhub.sales.duplicates import merges
from taskhub.sales.model import RecordState
from taskhub.sales.native import Said


class Told(NamedTuple):
    """The record afterwards, and the event that says so."""

    state: RecordState
    event: str


def ours(tx: Tx, ref: RecordRef, version: int | None = None) -> RecordState:
    """The record, locked, to be changed here. Raises NotFound, VersionClash, or Conflict for one that a CRM owns."""
    found = store.lock(tx, ref)
    if found is None:
        raise NotFound(service.UNSEEN)
    refuse_foreign(found)
    merges.refuse_gone(tx, found)
    if version is not None and version != found.version:
        raise VersionClash(
            f"The {ref.noun} has changed: it is at version {found.version}, you sent {version}. Read it again.",
            version=found.version,
        )
    refuse_deleted(found)
    return found


def refuse_deleted(state: RecordState) -> None:
    """Raises Conflict for a record that is gone."""
    if state.fields.get("deleted") is True:
        raise Conflict(f"This {state.ref.noun} has been deleted.", code="record_deleted", record=str(state.ref))


def refuse_foreign(state: RecordState, advice: str = "change it there") -> None:
    """Raises Conflict for a record that a CRM owns."""
    if state.connection is not None:
        raise Conflict(
            f"This {state.ref.noun} belongs to {state.connection}: {advice}, taskhub follows.",
            code="owned_by_crm", connection=state.connection,
        )  # fmt: skip


def tell(tx: Tx, act: str, said: Said, *, at: datetime | None = None, connection: str | None = None) -> Told:
    """Does it: the event is on its way, the record and its history say so. ``at`` where acts belong together.

    ``connection``: the CRM that has done it for us, and owns what came of it.
    """
    when = at or moment(tx, [said.before])
    event = native.event_of(said, when, new_id(), tx.by.agent or tx.by.label)
    event = replace(event, connection=connection)
    id_ = own.ingest(tx, event)
    state = service.apply(tx, event, id_).state
    if state is None:
        raise RuntimeError("an act is about a record")
    tx.record(said.ref.noun, said.ref.id, act, native.difference(said))
    return Told(store.raise_version(tx, state) if said.before else state, id_)


def moment(tx: Tx, before: Iterable[RecordState | None]) -> datetime:
    """When an act on these records counts as done: after everything that is known of them."""
    newest = max((state.newest.at for state in before if state is not None), default=None)
    return own.instant(tx.now, newest)
