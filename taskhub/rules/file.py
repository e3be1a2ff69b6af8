"""Which record a piece of work is about, and which tasks belong together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.events.model import Event, RecordRef
from taskhub.rules.scope import Known


@dataclass(frozen=True, slots=True)
class File:
    """``record`` is the deal or lead the work is for; ``key`` groups the work of one conversion."""

    record: RecordRef | None
    key: str | None
    lead: str | None
    deal: str | None


def file_of(event: Event) -> File:
    """The deal if the event names one, else the lead, else the record itself.

    All of it comes from the event alone: were a link taken from what is known, a closing would reach a task or not
    depending on what had arrived before.
    """
    deal, lead = _named(event, "deal"), _named(event, "lead")
    own = event.record
    if own is not None and own.noun in ("deal", "lead"):
        record: RecordRef | None = own
    elif deal or lead:
        record = RecordRef("deal", deal) if deal else RecordRef("lead", lead or "")
    else:
        record = own
    key = f"deal:{deal}" if deal else f"lead:{lead}" if lead else str(record) if record else None
    return File(record, key, lead, deal)


def file_of_record(ref: RecordRef, known: Known) -> File:
    """The file of a record without an event."""
    deal = ref.id if ref.noun == "deal" else _text(known, ref.noun, "deal")
    lead = ref.id if ref.noun == "lead" else _text(known, ref.noun, "lead")
    key = f"deal:{deal}" if deal else f"lead:{lead}" if lead else str(ref)
    return File(ref, key, lead, deal)


def _named(event: Event, noun: str) -> str | None:
    """The id of the lead or deal in an event: its own record, an object of its own, or a link in another object."""
    if event.record is not None and event.record.noun == noun:
        return event.record.id
    about = event.record.noun if event.record else ""
    return _text(event.data, noun, "id") or _text(event.data, about, noun) or _text(event.data, "activity", noun)


def _text(objects: Mapping[str, Any], noun: str, name: str) -> str | None:
    value = objects.get(noun)
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) and found else None
