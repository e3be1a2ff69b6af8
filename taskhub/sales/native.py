"""From what a person does to a record to the event that says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.fields import BadField, read_fields
from taskhub.events.model import Event, RecordRef
from taskhub.events.native import types_of
from taskhub.events.own import SOURCE
from taskhub.sales.model import RecordState

Around = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """One act on one record: ``changes`` are field → new value, ``before`` is None for a record that is made.

    ``around``: what rules may want to read of other records, noun → fields with their ``id``; ``news``: noun → which of
    these fields are told.
    """

    ref: RecordRef
    before: RecordState | None
    changes: Mapping[str, Any]
    around: Around = field(default_factory=dict)
    types: tuple[str, ...] | None = None
    news: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def event_of(said: Said, at: datetime, id_: str, by: str) -> Event:
    """The event: the whole record as it is afterwards, which fields of it have changed, and their old values.

    Only what has changed is told: a late word of somebody else about any other field must still be heard. Of a record
    that a CRM owns nothing else is in it: the rest is for the CRM to say. Raises InvalidInput for what could not be
    read again: the whole record would be passed over in silence.
    """
    known = said.before.fields if said.before else {}
    whole = said.changes if said.before and said.before.connection else {**known, **said.changes}
    after = {name: value for name, value in whole.items() if value is not None or name in known}
    data = {**said.around, said.ref.noun: {**after, "id": said.ref.id}}
    _refuse_unreadable(data)
    return Event(
        source=SOURCE,
        external_id=id_,
        types=said.types or _types(said),
        occurred_at=at,
        record=said.ref,
        data=data,
        previous={said.ref.noun: {name: known.get(name) for name in said.changes if name not in _anew(said)}}
        if said.before
        else {},
        by=by,
        told=_told(said),
    )


def _told(said: Said) -> dict[str, tuple[str, ...]]:
    beside = {noun: said.news.get(noun, ()) for noun in said.around}
    if said.before is None:
        return beside
    known = said.before.fields
    moved = tuple(name for name in said.changes if known.get(name) != said.changes[name])
    return {**beside, said.ref.noun: (*moved, *_anew(said))}


def _anew(said: Said) -> tuple[str, ...]:
    """The stage of another pipeline is another stage, though both may call it by the same key."""
    known = said.before.fields if said.before else {}
    same = said.changes.get("stage") is not None and said.changes["stage"] == known.get("stage")
    return ("stage",) if same and said.changes.get("pipeline", known.get("pipeline")) != known.get("pipeline") else ()


def _refuse_unreadable(data: Around) -> None:
    try:
        for noun, fields in data.items():
            read_fields(noun, fields)
    except BadField as error:
        raise InvalidInput(f"It could not be read again: {error}.") from error


def difference(said: Said) -> dict[str, Any]:
    """What history keeps: field → [old, new] of what is different now."""
    known = said.before.fields if said.before else {}
    moved = {name: [known.get(name), value] for name, value in said.changes.items() if known.get(name) != value}
    return {name: pair for name, pair in moved.items() if pair != [None, None]}


def _types(said: Said) -> tuple[str, ...]:
    if said.before is None:
        return (f"{said.ref.noun}.created",)
    moved = {name: (old, new) for name, (old, new) in difference(said).items()}
    return types_of(said.ref.noun, {**moved, **{name: (None, said.changes[name]) for name in _anew(said)}})
