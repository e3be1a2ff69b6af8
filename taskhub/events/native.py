"""The native event: which record it is about, what it says of it, and what it says has changed.

Anybody may send any type. The types listed here have a meaning of their own, so their data must make sense; data of
other types is taken as far as it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.events.fields import BadField, read_fields, read_id
from taskhub.events.model import NOUNS, RecordRef

NATIVE_TYPES = frozenset(
    {
        "lead.created",
        "lead.updated",
        "lead.stage_changed",
        "lead.taken_over",
        "lead.converted",
        "lead.lost",
        "lead.reopened",
        "deal.created",
        "deal.stage_changed",
        "deal.won",
        "deal.lost",
        "deal.reopened",
        "activity.completed",
    }
)
CREATED, DELETED, MERGED = "created", "deleted", "merged"
# The field a type is about: its move is stated by the type itself, with or without ``previous``.
DECISIVE: Mapping[str, str] = {
    "won": "status",
    "lost": "status",
    "converted": "status",
    "reopened": "status",
    "stage_changed": "stage",
    "taken_over": "owner",
    "completed": "done",
}
_BY_WEIGHT = ("deal", "lead", "contact", "account", "activity")
_SUBJECT = re.compile(rf"/?({'|'.join(NOUNS)})s?[/:](.+)")


@dataclass(frozen=True, slots=True)
class Native:
    """Data in native form: ``data`` with checked record objects, ``previous`` as noun -> field -> old value."""

    record: RecordRef | None
    data: Mapping[str, Any]
    previous: Mapping[str, Mapping[str, Any]]


def read_native(type_: str, subject: str | None, raw: Mapping[str, Any]) -> Native:
    """Raises ``BadField`` (a reason to quarantine) when a native type's data cannot be applied."""
    strict = type_ in NATIVE_TYPES
    objects = _objects(raw, strict=strict)
    record = _own_record(type_, subject, objects) or _any_record(subject, objects)
    if strict and record is None:
        raise NoRecord
    if record is not None and record.noun in objects:
        objects[record.noun]["id"] = record.id
    _link(objects)
    previous = _previous(raw.get("previous"), record, strict=strict)
    rest = {key: value for key, value in raw.items() if key not in objects and key != "previous"}
    return Native(record, {**rest, **objects}, previous)


class NoRecord(BadField):
    """Neither ``data`` nor ``subject`` names the record."""

    def __init__(self) -> None:
        ValueError.__init__(self, "no_record")


def types_of(noun: str, moved: Mapping[str, tuple[Any, Any]]) -> tuple[str, ...]:
    """The types that ``moved`` (field -> old, new) amounts to, the most decisive first.

    >>> types_of("deal", {"stage": ("talk", "offer"), "status": ("open", "won")})
    ('deal.won', 'deal.stage_changed')
    """
    types: list[str] = []
    if "status" in moved:
        old, new = moved["status"]
        if new in ("won", "lost", "converted"):
            types.append(f"{noun}.{new}")
        elif new == "open" and old is not None:
            types.append(f"{noun}.reopened")
    if moved.get("done", (None, None))[1] is True:
        types.append(f"{noun}.completed")
    if "stage" in moved:
        types.append(f"{noun}.stage_changed")
    if noun == "lead" and moved.get("owner", (None, None))[0] is not None:
        types.append("lead.taken_over")
    told = {DECISIVE[of.partition(".")[2]] for of in types}
    if not types or set(moved) - told:
        types.append(f"{noun}.updated")
    return tuple(types)


def _objects(raw: Mapping[str, Any], *, strict: bool) -> dict[str, dict[str, Any]]:
    objects = {}
    for noun in NOUNS:
        try:
            if raw.get(noun) is not None:
                objects[noun] = _object(noun, raw[noun])
        except BadField:
            if strict:
                raise
    return objects


def _object(noun: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadField(noun, "must be an object")
    return read_fields(noun, value)


def _own_record(type_: str, subject: str | None, objects: Mapping[str, Mapping[str, Any]]) -> RecordRef | None:
    """The record the type names: "lead.lost" is about a lead, an activity may be told through its lead or deal."""
    noun = type_.partition(".")[0]
    if noun not in NOUNS:
        return None
    if noun == "activity" and noun not in objects:
        stand_in = _any_record(None, objects)
        if stand_in is not None and subject in (None, stand_in.id):
            return stand_in
    given = objects.get(noun, {}).get("id")
    if given is not None:
        return RecordRef(noun, given)
    return None if subject is None else RecordRef(noun, _id_in(noun, subject))


def _any_record(subject: str | None, objects: Mapping[str, Mapping[str, Any]]) -> RecordRef | None:
    for noun in _BY_WEIGHT:
        if objects.get(noun, {}).get("id") is not None:
            return RecordRef(noun, objects[noun]["id"])
    found = _SUBJECT.fullmatch(subject or "")
    return RecordRef(found[1], found[2]) if found else None


def _id_in(noun: str, subject: str) -> str:
    found = _SUBJECT.fullmatch(subject)
    return read_id("subject", found[2] if found and found[1] == noun else subject)


def _link(objects: dict[str, dict[str, Any]]) -> None:
    """A lead and a deal told in one event belong together."""
    lead, deal = objects.get("lead", {}), objects.get("deal", {})
    if lead.get("id") is not None and deal.get("id") is not None:
        lead.setdefault("deal", deal["id"])
        deal.setdefault("lead", lead["id"])


def _previous(raw: Any, record: RecordRef | None, *, strict: bool) -> dict[str, dict[str, Any]]:
    """Old values, given flat (of the main record) or per noun."""
    if raw is not None and not isinstance(raw, Mapping):
        if strict:
            raise BadField("previous", "must be an object")
        raw = None
    old: dict[str, dict[str, Any]] = {}
    for key, value in (raw or {}).items():
        if key in NOUNS and isinstance(value, Mapping):
            old.setdefault(key, {}).update(value)
        elif record is not None:
            old.setdefault(record.noun, {})[key] = value
    try:
        return {noun: read_fields(noun, fields, path=f"previous.{noun}") for noun, fields in old.items()}
    except BadField:
        if strict:
            raise
        return {}
