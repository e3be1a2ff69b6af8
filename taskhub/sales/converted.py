"""Conversions on record, and the records they meant: what is there already is found, what is made is held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.events.model import RecordRef
from taskhub.events.times import written
from taskhub.sales import recording, service, store
from taskhub.sales.conversion import Drafts, refuse_nameless
from taskhub.sales.duplicates import merges
from taskhub.sales.matching import key_of
from taskhub.sales.model import Conversion, RecordState
from taskhub.sales.path import unknown


def matched(tx: Tx, drafts: Drafts) -> dict[str, str]:
    """Noun → id of the account and contact that exist; nobody else makes the same ones until this is committed.

    Raises InvalidInput where an account would be made without a name.
    """
    there = {noun: id_ for noun, id_ in drafts.linked.items() if _is_there(tx, RecordRef(noun, id_))}
    given = {noun: id_ or there.get(noun) for noun, id_ in _asked(drafts).items()}
    wanted = {"account": drafts.account, "contact": drafts.contact}
    keys = {
        noun: key
        for noun, draft in wanted.items()
        if given[noun] is None and draft is not None and (key := key_of(noun, draft)) is not None
    }
    store.hold(tx, [f"{noun} {key}" for noun, key in keys.items()])
    known = given | {noun: store.matching(tx, noun, key) for noun, key in keys.items()}
    found = {noun: id_ for noun, id_ in known.items() if id_ is not None}
    refuse_nameless(drafts, found)
    return found


def _asked(drafts: Drafts) -> dict[str, str | None]:
    return {"account": drafts.account_id, "contact": drafts.contact_id}


def _is_there(tx: Tx, ref: RecordRef) -> bool:
    state = store.load(tx, ref)
    return state is not None and state.fields.get("deleted") is not True


def locked(tx: Tx, ref: RecordRef, found: dict[str, str], version: int | None) -> dict[str, RecordState]:
    """The lead and what was found, by noun, each locked in one order. Raises InvalidInput, Conflict, VersionClash."""
    states: dict[str, RecordState] = {}
    for one in sorted([ref, *(RecordRef(noun, id_) for noun, id_ in found.items())]):
        if one == ref:
            states["lead"] = recording.ours(tx, ref, version)
            continue
        state = service.locked(tx, one)
        if state is None:
            raise unknown(f"{one.noun}.id", one.id, (), "unknown_record")
        merges.refuse_gone(tx, state)
        if state.fields.get("deleted") is True:
            raise Conflict(f"This {one.noun} has been deleted.", code="record_deleted", record=str(one))
        states[one.noun] = state
    return states


def keep(tx: Tx, conversion: Conversion) -> None:
    """Puts it on record; a lead has at most one that was not undone."""
    store.add_conversion(tx, conversion)


def of_lead(tx: Tx, lead: str) -> Conversion:
    """The conversion that made this lead a customer here. Raises Conflict when there is none."""
    found = store.live_conversion(tx, lead)
    if found is None:
        raise Conflict("This lead was not converted here, or that was undone already.", code="not_converted")
    return found


def refuse_live(tx: Tx, lead: str) -> None:
    """Raises Conflict for a lead that was converted here and reopened by somebody else's word: that still holds."""
    found = store.live_conversion(tx, lead)
    if found is not None:
        raise Conflict(
            f"This lead was converted by {found.by} at {written(found.at)}: take that back with /undo-conversion.",
            code="already_converted", converted_by=found.by, converted_at=written(found.at),
            account=found.account, contact=found.contact, deal=found.deal,
        )  # fmt: skip


def ended(tx: Tx, conversion: Conversion) -> None:
    """It was taken back."""
    store.end_conversion(tx, conversion.id, tx.now, tx.by.agent or tx.by.label)


def others(tx: Tx, conversion: Conversion, noun: str, id_: str) -> list[datetime]:
    """When other conversions that still hold came to the same account or contact."""
    return store.conversions_of(tx, noun, id_, besides=conversion.id)


def pointed_at(tx: Tx, ref: RecordRef) -> bool:
    """Whether a lead, deal or contact that is there belongs to this account or contact."""
    return store.pointed_at(tx, ref)


def states_of(tx: Tx, refs: Iterable[RecordRef]) -> dict[str, RecordState]:
    """What is known of these records, by noun, each locked in one order."""
    found = {ref.noun: service.locked(tx, ref) for ref in sorted(refs)}
    return {noun: state for noun, state in found.items() if state is not None}
