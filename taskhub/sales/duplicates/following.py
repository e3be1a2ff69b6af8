"""What senders say of a record that was merged: for whom it is meant now. Pure.

What happened after the merge is said of the record that stays, as a whole. What happened before it and came late is
still about the record as it was; of that the one that stays takes what the merge would have taken: fields that are no
step of the way, no link, and that nobody chose. The row of the record that is gone hears all of it besides, so that it
is up to date should the merge be taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from taskhub.events.model import NOUNS, Event, RecordRef
from taskhub.sales.duplicates.merging import GONE, KEPT, LINKED
from taskhub.sales.stated import statements

Fields = Mapping[str, Any]


class Way(NamedTuple):
    """Where a record went, when, and which fields somebody chose then."""

    to: RecordRef
    at: datetime
    chosen: frozenset[str] = frozenset()


Ways = Mapping[RecordRef, Way]


class Followed(NamedTuple):
    """The event as it is to be applied; ``also``: what other records hear of it. ``gone``: records that went.

    ``late``: where its own record went afterwards. ``spent``: it tells only that a record that is gone is gone.
    """

    event: Event
    also: Mapping[RecordRef, Fields]
    gone: frozenset[RecordRef] = frozenset()
    late: RecordRef | None = None
    spent: bool = False


def place(ref: RecordRef, at: datetime, ways: Ways) -> RecordRef:
    """Whom a word of that instant is about."""
    for one in _steps(ref, ways):
        if one not in ways or at <= ways[one].at:
            return one
    return ref


def end(ref: RecordRef, ways: Ways) -> RecordRef:
    """Where a record is now."""
    *_, last = _steps(ref, ways)
    return last


def _steps(ref: RecordRef, ways: Ways) -> Iterator[RecordRef]:
    """The record and those it went into, one after the other; nobody lets ways go round, and here they would end."""
    seen: set[RecordRef] = set()
    while ref not in seen:
        yield ref
        seen.add(ref)
        if ref in ways:
            ref = ways[ref].to


def named(event: Event) -> list[RecordRef]:
    """Every record an event names: its own, those it tells of, those they belong to."""
    found = set() if event.record is None else {event.record}
    for noun in NOUNS:
        told = event.data.get(noun)
        if isinstance(told, Mapping):
            found |= {RecordRef(noun, told["id"])} if isinstance(told.get("id"), str) else set()
            found |= {RecordRef(name, told[name]) for name in LINKED if isinstance(told.get(name), str)}
    return sorted(found)


def followed(event: Event, ways: Ways) -> Followed:
    """The event with every record it names where it is now. Without merges it is what it was."""
    if not ways or event.record is None:
        return Followed(event, {})
    own, said = event.record, statements(event)
    here = place(own, event.occurred_at, ways)
    if here != own and said[own].get("deleted") is True:
        return Followed(event, {}, frozenset(ways), spent=True)
    data = {noun: _linked(told, ways) if noun in NOUNS else told for noun, told in event.data.items()}
    previous = {noun: _linked(old, ways) for noun, old in event.previous.items()}
    also: dict[RecordRef, dict[str, Any]] = {}
    for ref, fields in said.items():
        stands = place(ref, event.occurred_at, ways)
        for passed in takewhile(lambda one, stands=stands: one != stands, _steps(ref, ways)):  # type: ignore[misc]
            _hear(also, passed, _heard(fields))
        if stands != ref:
            data[ref.noun] = _named(data.get(ref.noun, {}), stands)
        _, *later = _steps(stands, ways)
        filling = filled(fields, stands, ways)
        for one in later:
            _hear(also, one, _linked(filling, ways))
        if later and ref != own:
            data[ref.noun] = {"id": later[-1].id, **filling}
            _hear(also, stands, fields)
    late = end(here, ways)
    after = replace(event, record=here, data=data, previous=previous)
    also.pop(here, None)
    return Followed(after, also, frozenset(ways), late if late != here else None)


def filled(fields: Fields, ref: RecordRef, ways: Ways) -> dict[str, Any]:
    """What the record at the end of the way takes of a word about ``ref`` from before it went."""
    out = {*KEPT, *LINKED, *GONE}
    for one in _steps(ref, ways):
        out |= ways[one].chosen if one in ways else set()
    return {name: value for name, value in fields.items() if value not in (None, "") and name not in out}


def _hear(also: dict[RecordRef, dict[str, Any]], ref: RecordRef, fields: Fields) -> None:
    also.setdefault(ref, {}).update(fields)


def _heard(fields: Fields) -> Fields:
    """It stays gone, whatever is said of that; only its own deletion is worth knowing should the merge be undone."""
    return {name: value for name, value in fields.items() if name not in GONE or (name == GONE[0] and value is True)}


def _named(told: Any, ref: RecordRef) -> dict[str, Any]:
    kept = {name: value for name, value in told.items() if name not in GONE} if isinstance(told, Mapping) else {}
    return {**kept, "id": ref.id}


def _linked(told: Any, ways: Ways) -> Any:
    if not isinstance(told, Mapping):
        return told
    links = {name: end(RecordRef(name, told[name]), ways).id for name in LINKED if isinstance(told.get(name), str)}
    return {**told, **links}
