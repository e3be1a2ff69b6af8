"""A merge is taken back while nothing depends on it: the record that went is itself again, with what followed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.acts.merging import May
from taskhub.db import acts
from taskhub.db.tx import Tx
from taskhub.errors import AlreadyDone, Conflict, NotFound
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.events.times import written
from taskhub.failpoints import failpoint
from taskhub.notes import service as notes
from taskhub.sales import recording
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges
from taskhub.sales.duplicates.merges import Merge
from taskhub.sales.model import CONVERTED, WON, RecordState
from taskhub.sales.native import Said
from taskhub.tasks import endings, joining, withdrawing
from taskhub.tasks.model import Cause


def undo(tx: Tx, id_: str, may: May | None = None) -> RecordState:
    """The record that went, as it is now. Raises NotFound, AlreadyDone, or Conflict with what depends on the merge.

    What somebody has changed on the record that stayed since then stays as it is.
    """
    seen = merges.get(tx, id_)
    own.call_off(tx, seen.done.get("events", []))
    failpoint("unmerge.called_off")
    gone, stays, *links = _touched(seen)
    states = {ref: state for ref in sorted({gone, stays, *links}) if (state := sales.locked(tx, ref)) is not None}
    one = merges.get(tx, id_, lock=True)
    if may is not None:
        for ref in (gone, stays):
            may(states[ref])
    _refuse(tx, one, states)
    joining.refuse_begun(tx, one.done.get("closed", []))
    _take_back(tx, one)
    failpoint("unmerge.locked")
    at = recording.moment(tx, states.values())
    merges.ended(tx, one)
    if one.batch is None:
        acts.undone(tx.conn, one.done["act"], tx.act_id)
    _give_back(tx, one, states[stays], at)
    failpoint("unmerge.given_back")
    back = _come_back(tx, one, states[gone], at)
    for ref in links:
        if ref in states and states[ref].fields.get(gone.noun) == stays.id:
            recording.tell(tx, "relink", Said(ref, states[ref], {gone.noun: gone.id}), at=at)
    failpoint("unmerge.linked")
    joining.part(tx, one.done.get("tasks", {}), one.gone, one.stays, one.done.get("closed", []))
    _uncarry(tx, one)
    merges.disinherit(tx, stays, one.done.get("denials", []))
    failpoint("unmerge.parted")
    return back


def undo_batch(tx: Tx, batch: str, may: May | None = None) -> list[RecordState]:
    """Every merge of a batch that still holds, the last one first, all or nothing. Raises what ``undo`` does."""
    held = [one for one in merges.of_batch(tx, batch) if one.undone_at is None]
    if not held:
        raise AlreadyDone("Every merge of this batch was taken back.")
    own.call_off(tx, [id_ for one in held for id_ in one.done.get("events", [])])
    for ref in sorted({ref for one in held for ref in _touched(one)}):
        sales.locked(tx, ref)
    return [undo(tx, one.id, may) for one in held]


def _touched(one: Merge) -> list[RecordRef]:
    links = [RecordRef(*link) for link in one.done.get("links", [])]
    return [merges.ref_of(one.gone), merges.ref_of(one.stays), *links]


def undo_all(tx: Tx, inverse: Mapping[str, Any], may: May | None = None) -> RecordState:
    """Undo of one act: its merges, the last one first."""
    *_, last = [undo(tx, id_, may) for id_ in reversed(inverse["merges"])]
    return last


def _refuse(tx: Tx, one: Merge, states: Mapping[RecordRef, RecordState]) -> None:
    gone, stays = merges.ref_of(one.gone), merges.ref_of(one.stays)
    if one.undone_at is not None:
        raise AlreadyDone(f"This merge was taken back by {one.undone_by} at {written(one.undone_at)}.")
    if "told" in one.done:
        raise Conflict(
            f"{one.gone} was merged by {one.by}: take it back there, taskhub follows.", code="owned_by_crm",
            connection=one.by,
        )  # fmt: skip
    if gone not in states or stays not in states:
        raise NotFound(sales.UNSEEN)
    merges.refuse_gone(tx, states[stays])
    recording.refuse_deleted(states[stays])
    state = states[stays]
    status = state.fields.get("status")
    if status in (CONVERTED, WON) and "status" in state.versions and state.versions["status"].at > one.at:
        raise Conflict(
            f"{one.stays} is {status} since: what came of it rests on the merge. Take that back first.",
            code="already_converted" if status == CONVERTED else "already_won", status=status, record=one.stays,
            changed_at=written(state.versions["status"].at),
        )  # fmt: skip


def _take_back(tx: Tx, one: Merge) -> None:
    """The work that its events made is cancelled while nobody has begun it; what they ended is wanted again."""
    records, events = [one.gone, one.stays], tuple(one.done.get("events", ()))
    stays = merges.ref_of(one.stays)
    lead = stays.id if stays.noun == "lead" else ""
    withdrawing.withdraw(tx, Cause(events, lead, None, tuple(records), None), "merge undone")
    endings.take_back(tx, records, events)


def _uncarry(tx: Tx, one: Merge) -> None:
    """Notes hang once: what another merge would have carried as well is carried by that one from now on."""
    notes.uncarry(tx, one.id)
    for other in merges.into(tx, merges.ref_of(one.stays)):
        notes.carry(tx, other.gone, other.stays, other.id)


def _give_back(tx: Tx, one: Merge, stays: RecordState, at: Any) -> None:
    """The fields it took are as they were, but for those that somebody changed since."""
    fields, was = one.done.get("fields", {}), one.done.get("was", {})
    changes = {name: was.get(name) for name, value in fields.items() if stays.fields.get(name) == value}
    if changes:
        recording.tell(tx, "undo_merge", Said(stays.ref, stays, changes), at=at)
    tx.record(stays.ref.noun, stays.ref.id, "undo_merge", {"given_back": merges.ref_of(one.gone).id})


def _come_back(tx: Tx, one: Merge, gone: RecordState, at: Any) -> RecordState:
    """It is itself again, unless its own sender deleted it meanwhile."""
    version = gone.versions.get("deleted")
    deleted = version is not None and version.at > one.at
    changes = {"merged_into": None, **({} if deleted else {"deleted": False})}
    types = (f"{gone.ref.noun}.unmerged",)
    return recording.tell(tx, "undo_merge", Said(gone.ref, gone, changes, types=types), at=at).state
