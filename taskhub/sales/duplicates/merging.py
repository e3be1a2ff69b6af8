"""The merge of two records that are the same: which one stays, which value each field keeps, what undo needs. Pure.

A plan is made first and shown; only what it says is done. The record that goes is kept as it was and points at the one
that stays, so that its old id, its links and a late event about it lead there; undo takes the pointer away and gives
every field back that nobody has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.errors import Conflict, InvalidInput
from taskhub.events.model import RecordRef, Version
from taskhub.sales.model import CONVERTED, LOST, WON, RecordState

LINKED = ("lead", "deal", "account", "contact")
_ORDER = {CONVERTED: 0, LOST: 2}


@dataclass(frozen=True, slots=True)
class Side:
    """A record with what decides whether it stays. ``owned_elsewhere``: a CRM is its master, and writes it again."""

    state: RecordState
    open_tasks: int = 0
    owned_elsewhere: bool = False

    @property
    def filled(self) -> int:
        """How many fields say something."""
        return sum(value not in (None, "") for value in self.state.fields.values())


@dataclass(frozen=True, slots=True)
class Plan:
    """``stays`` takes ``fields`` (name -> value, only those that change); ``goes`` points at it afterwards.

    ``conflicts``: fields in which both say something else, with (kept, left). ``moves``: links of others to the record
    that goes, which follow it, as refs.
    """

    stays: RecordRef
    goes: RecordRef
    fields: Mapping[str, Any]
    conflicts: Mapping[str, tuple[Any, Any]]
    moves: Sequence[RecordRef] = ()
    before: Mapping[str, Any] = field(default_factory=dict)


def survivor(one: Side, two: Side) -> tuple[Side, Side]:
    """(stays, goes): converted before open before lost, then a CRM's own, with open tasks, the fuller, the older."""
    first, second = sorted((one, two), key=_rank)
    return first, second


def _rank(side: Side) -> tuple[int, bool, bool, int, datetime, str]:
    status = side.state.fields.get("status")
    order = _ORDER.get(status, 1) if isinstance(status, str) else 1
    return (
        order, not side.owned_elsewhere, side.open_tasks == 0, -side.filled, side.state.first_seen, side.state.ref.id,
    )  # fmt: skip


def plan(
    stays: Side, goes: Side, merged: Mapping[RecordRef, RecordRef], *, chosen: Mapping[str, str] | None = None,
    links: Collection[RecordRef] = (),
) -> Plan:  # fmt: skip
    """What a merge would do. ``merged``: who points at whom already. ``chosen``: field -> id of whose value wins.

    Without a choice what says nothing gives way, then the newer statement wins; state and owner stay the survivor's.
    Raises InvalidInput for what can never be merged, Conflict for a record that went before or would point at itself.
    """
    one, two = stays.state, goes.state
    _refuse(one.ref, two.ref, merged)
    wanted = _checked(chosen or {}, one.ref, two.ref)
    fields: dict[str, Any] = {}
    conflicts: dict[str, tuple[Any, Any]] = {}
    for name in sorted({*one.fields, *two.fields} - {*GONE}):
        mine, theirs = one.fields.get(name), two.fields.get(name)
        if theirs in (None, "") or mine == theirs:
            continue
        takes = _takes(name, one, two, wanted.get(name))
        if mine not in (None, ""):
            conflicts[name] = (theirs, mine) if takes else (mine, theirs)
        if takes:
            fields[name] = theirs
    before = {name: one.fields.get(name) for name in fields}
    return Plan(one.ref, two.ref, fields, conflicts, tuple(sorted(links)), before)


def _refuse(stays: RecordRef, goes: RecordRef, merged: Mapping[RecordRef, RecordRef]) -> None:
    if stays == goes:
        raise InvalidInput("A record cannot be merged with itself. Name two.", code="same_record")
    if stays.noun != goes.noun:
        raise InvalidInput(
            f"A {goes.noun} cannot go into a {stays.noun}: convert it, or merge two of a kind.", code="not_comparable"
        )
    if goes in merged:
        raise Conflict(f"{goes} was merged into {final(goes, merged)} before.", code="already_merged")
    if final(stays, merged) == goes:
        raise Conflict(f"{stays} was merged into {goes}: it cannot go the other way as well.", code="merge_cycle")
    if stays in merged:
        raise Conflict(f"{stays} was merged into {final(stays, merged)}. Merge with that one.", code="already_merged")


def final(ref: RecordRef, merged: Mapping[RecordRef, RecordRef]) -> RecordRef:
    """Where a record leads in the end. Raises Conflict where the pointers go round, which no plan lets them."""
    seen = {ref}
    while ref in merged:
        ref = merged[ref]
        if ref in seen:
            raise Conflict(f"The merges of {ref} go round in a circle.", code="merge_cycle")
        seen.add(ref)
    return ref


GONE = ("deleted", "merged_into")
"""Only about the record itself, never about the one it went into."""
UNTOUCHED = (*GONE, "status", "status_label", "lost_reason", "converted_at", "converted_by")
"""What became of a record is its own: an act says so, no merge."""
KEPT = (*UNTOUCHED, "stage", "pipeline", "owner")
"""Where a record stands on its way and whose it is are never taken from the one that goes, unless somebody chose so."""
SINCE = "customer_since"
"""Whoever was a customer first was one since then."""


def _takes(name: str, one: RecordState, two: RecordState, chosen: RecordRef | None) -> bool:
    """Whether the value of the record that goes wins."""
    if chosen is not None:
        return chosen == two.ref
    if one.fields.get(name) in (None, ""):
        return name not in KEPT
    if name == SINCE:
        return str(two.fields[name]) < str(one.fields[name])
    return name not in KEPT and name not in LINKED and _said(two, name) > _said(one, name)


def _said(state: RecordState, name: str) -> Version:
    return state.versions.get(name) or Version(state.first_seen, "")


def _checked(chosen: Mapping[str, str], one: RecordRef, two: RecordRef) -> dict[str, RecordRef]:
    refuse_way(chosen)
    by_id = {one.id: one, two.id: two}
    wrong = sorted(name for name, id_ in chosen.items() if id_ not in by_id)
    if wrong:
        raise InvalidInput(
            f"For {', '.join(wrong)} choose the value of {one.id} or of {two.id}.", code="unknown_record",
            errors=[{"path": name, "message": f"{chosen[name][:64]!r} is none of the two"} for name in wrong],
        )  # fmt: skip
    return {name: by_id[id_] for name, id_ in chosen.items()}


def refuse_way(chosen: Collection[str]) -> None:
    """Raises InvalidInput for a choice of what an act of its own decides."""
    wrong = sorted(name for name in chosen if name in (*UNTOUCHED, "stage", "pipeline"))
    if wrong:
        raise InvalidInput(
            f"{', '.join(wrong)} cannot be chosen: the record that stays keeps its way; move, lose or reopen it.",
            code="use_the_act", errors=[{"path": f"choose.{name}", "message": "is no choice"} for name in wrong],
        )  # fmt: skip


def refuse_ended(goes: RecordState) -> None:
    """Raises Conflict for a converted lead or a won deal: what came of it hangs on it."""
    status = goes.fields.get("status")
    if status in (CONVERTED, WON):
        raise Conflict(
            f"{goes.ref} is {status}: let it stay, and the other one go. Of two that are {status} neither goes; "
            "merge their accounts and contacts.",
            code=f"already_{status}", record=str(goes.ref), status=status,
        )  # fmt: skip


def undone(plan_: Plan, now: RecordState) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What undo gives back to the record that stayed, and the fields it leaves, since they were changed afterwards."""
    changed = tuple(sorted(name for name, value in plan_.fields.items() if now.fields.get(name) != value))
    return {name: old for name, old in plan_.before.items() if name not in changed}, changed
