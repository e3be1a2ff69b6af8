"""What people do with leads, deals, accounts and contacts that are ours: make, change, move, end, take over.

Each is one act: the record is locked, the rules of the path are asked, an event says what was done, and whoever has to
know is told. What follows of it (tasks made, closed, woken) is for the rules, once the event is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.acts import handing, named
from taskhub.db.tx import Tx
from taskhub.errors import Conflict, Forbidden
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.ids import new_id
from taskhub.sales import fields, path, recording
from taskhub.sales.model import RecordState
from taskhub.sales.native import Said
from taskhub.tasks import endings, withdrawing
from taskhub.tasks.model import Cause

Fields = Mapping[str, Any]
# They start the work of others: who takes such an act back takes that work back as well.
ENDINGS = ("win", "lose")


def create(tx: Tx, noun: str, wanted: Fields, more: Fields | None = None) -> RecordState:
    """A new record; its maker owns it unless somebody else is named. Raises InvalidInput."""
    read = {"owner": tx.by.agent, **fields.read(noun, wanted, more)}
    fields.refuse_nameless(noun, read)
    named.check(tx, read)
    made = path.begun(noun, read, tx.policies) if noun in path.ENDS else read
    kept = {name: value for name, value in made.items() if value is not None}
    return recording.tell(tx, "create", Said(RecordRef(noun, new_id()), None, kept)).state


def patch(tx: Tx, ref: RecordRef, version: int, wanted: Fields, more: Fields | None = None) -> RecordState:
    """Fields change; ``version`` is the one that was read."""
    before = recording.ours(tx, ref, version)
    read = fields.read(ref.noun, wanted, more)
    named.check(tx, {name: value for name, value in read.items() if value != before.fields.get(name)})
    changes = path.patched(before, read, tx.policies)
    if not changes:
        return before
    state = _put(tx, "patch", before, changes)
    if "owner" in changes:
        handing.tell_former(tx, before, state)
    return state


def move(
    tx: Tx, ref: RecordRef, stage: str, version: int | None = None, pipeline: str | None = None
) -> RecordState:  # fmt: skip
    """To another stage of its pipeline, forward or back, or to one of another pipeline."""
    before = recording.ours(tx, ref, version)
    return _put(tx, "stage", before, path.moved(before, stage, tx.policies, pipeline))


def lose(tx: Tx, ref: RecordRef, reason: str, version: int | None = None) -> RecordState:
    """Lost, for a reason from the list."""
    before = recording.ours(tx, ref, version)
    return _put(tx, "lose", before, path.lost(before, reason, tx.policies))


def win(tx: Tx, ref: RecordRef, version: int | None = None) -> RecordState:
    """Won: the back office starts."""
    before = recording.ours(tx, ref, version)
    return _put(tx, "win", before, path.won(before, tx.policies))


def reopen(tx: Tx, ref: RecordRef, version: int | None = None) -> RecordState:
    """Open again, at the stage where it was."""
    before = recording.ours(tx, ref, version)
    return _put(tx, "reopen", before, path.reopened(before))


def set_status(tx: Tx, ref: RecordRef, status: str, reason: str | None, version: int | None = None) -> RecordState:
    """One of the short list. Raises InvalidInput for a status that has an act of its own, or none here."""
    ways = {"open": reopen, **({"won": win} if ref.noun == "deal" else {})}
    if status == "lost":
        return lose(tx, ref, reason or "", version)
    if status not in ways:
        advice = (
            "use /convert" if status == "converted" and ref.noun == "lead" else f"it is open, lost, {', '.join(ways)}"
        )
        raise fields.invalid([("status", f"{status!r} cannot be set: {advice}")], "unknown_status")
    return ways[status](tx, ref, version)


def take_over(tx: Tx, ref: RecordRef, version: int | None = None) -> RecordState:
    """The caller owns it from now on; who had it is told."""
    me = tx.by.agent
    if me is None:
        raise Forbidden("Only a person can take something over: this key belongs to none.", code="not_an_agent")
    before = recording.ours(tx, ref, version)
    path.refuse_ended(before)
    if before.fields.get("owner") == me:
        raise Conflict(f"This {ref.noun} is yours already.", code="nothing_to_change", owner=me)
    state = _put(tx, "take_over", before, {"owner": me})
    handing.tell_former(tx, before, state)
    return state


def put_back(tx: Tx, inverse: Mapping[str, Any]) -> RecordState:
    """Undo of any of these: the fields as they were. Raises Conflict once others changed them, or work was begun."""
    ref, ended = RecordRef(*inverse["record"]), inverse.get("event")
    if ended is not None:
        own.call_off(tx, [ended])
    before = recording.ours(tx, ref)
    if any(before.fields.get(name) != value for name, value in inverse.get("now", {}).items()):
        raise Conflict("It has been changed since.", code="changed_since", version=before.version)
    if ended is not None:
        lead = ref.id if ref.noun == "lead" else ""
        withdrawing.withdraw(tx, Cause((ended,), lead, None, (str(ref),), None), "undone")
        endings.take_back(tx, [str(ref)], [ended])
    state = _put(tx, "put_back", before, inverse["changes"])
    if "owner" in inverse["changes"]:
        handing.tell_former(tx, before, state)
    return state


def _put(tx: Tx, act: str, before: RecordState, changes: Fields) -> RecordState:
    was = {name: before.fields.get(name) for name in changes}
    told = recording.tell(tx, act, Said(before.ref, before, changes))
    now = {name: told.state.fields.get(name) for name in changes}
    ended = {"event": told.event} if act in ENDINGS else {}
    tx.inverse = {"op": "put_back", "record": [*before.ref], "changes": was, "now": now, **ended}
    return told.state
