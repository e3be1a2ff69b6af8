"""A conversion is taken back while its deal is untouched: what it made goes, and its tasks that nobody has begun."""

from __future__ import annotations

from typing import Any

from taskhub.acts.converting import refuse_other
from taskhub.db import acts
from taskhub.db.tx import Tx
from taskhub.events import own
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.notes import service as notes
from taskhub.sales import conversion, converted, recording
from taskhub.sales.duplicates import merges
from taskhub.sales.model import OPEN, Conversion, RecordState
from taskhub.sales.native import Said
from taskhub.tasks import endings, withdrawing
from taskhub.tasks.model import Cause

NOUNS = ("account", "contact", "deal")


def undo(tx: Tx, lead: str) -> RecordState:
    """The lead is open again. Raises Conflict with what stands in the way: a changed deal, a task somebody began."""
    found = converted.of_lead(tx, lead)
    own.call_off(tx, found.events)
    failpoint("unconvert.called_off")
    refs = [merges.current(tx, RecordRef(noun, id_)) for noun in NOUNS if (id_ := getattr(found, noun)) is not None]
    states = converted.states_of(tx, [*refs, RecordRef("lead", lead)])
    refuse_other(found, converted.of_lead(tx, lead))
    for noun in _changed(found):
        merges.refuse_merged_since(tx, RecordRef(noun, getattr(found, noun)), found.at)
    conversion.refuse_touched(found, states.get("deal"))
    withdrawing.withdraw(tx, _cause(found), "conversion undone")
    endings.take_back(tx, [str(ref) for ref in (*refs, RecordRef("lead", lead))], found.events)
    failpoint("unconvert.tasks_withdrawn")
    at = recording.moment(tx, states.values())
    before = states["lead"]
    changes: dict[str, Any] = {"status": OPEN, "converted_at": None, "converted_by": None, **found.was}
    told = recording.tell(tx, "undo_conversion", Said(before.ref, before, changes), at=at)
    failpoint("unconvert.lead_opened")
    for noun in ("deal", "contact", "account"):
        if noun in states:
            _take_away(tx, found, states[noun], at)
    notes.uncarry(tx, found.id)
    if found.deal is not None:  # it is deleted now: what was written on it since is read with the lead
        notes.carry(tx, f"deal:{found.deal}", f"lead:{lead}", tx.act_id)
    converted.ended(tx, found)
    acts.undone(tx.conn, found.id, tx.act_id)
    failpoint("unconvert.ended")
    return told.state


def _changed(found: Conversion) -> list[str]:
    """The nouns of what it made, or made a customer. Of merged ones nobody could tell any more whose they are."""
    changed = {"account" if one == "customer_since" else one for one in found.made}
    return [noun for noun in NOUNS if noun in changed]


def _cause(found: Conversion) -> Cause:
    parties = tuple(f"{noun}:{getattr(found, noun)}" for noun in ("account", "contact"))
    return Cause(tuple(found.events), found.lead, found.deal, parties, found.follow_up)


def _take_away(tx: Tx, found: Conversion, state: RecordState, at: Any) -> None:
    """What it made goes, unless others use it by now; what was there only forgets that it became a customer."""
    noun = state.ref.noun
    used = converted.others(tx, found, noun, state.ref.id) if noun != "deal" else []
    # Its lead and what went before it point at it no longer: whoever still does goes on using it.
    kept = used or (noun != "deal" and converted.pointed_at(tx, state.ref))
    if noun in found.made and not kept and state.newest.at <= found.at:
        gone = Said(state.ref, state, {"deleted": True}, types=(f"{noun}.deleted",))
        recording.tell(tx, "delete", gone, at=at)
    elif noun == "account" and state.fields.get("customer_since") == found.at.isoformat():
        since = used[0].isoformat() if used else None
        recording.tell(tx, "customer", Said(state.ref, state, {"customer_since": since}), at=at)
