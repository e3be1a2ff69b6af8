"""What conditions and titles may look at: the event first, then what is known of its records. Look-ups only. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from taskhub.events.model import NOUNS, Event, RecordRef
from taskhub.rules.model import TaskFacts
from taskhub.sales.model import Change, Changes
from taskhub.sales.stated import statements

Known = Mapping[str, Mapping[str, Any]]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Scope:
    """``said`` comes from the event, ``known`` from the projection (noun -> field -> value).

    A path is ``noun.field``, ``event.type``, ``task.kind`` …; without a noun it is a field of the event's data or of
    its own record.
    """

    said: Mapping[str, Any] = field(default_factory=dict)
    known: Known = field(default_factory=dict)
    own: RecordRef | None = None
    moves: Mapping[str, Change] = field(default_factory=dict)

    def find(self, path: str) -> Any:
        """The value at ``path``, or MISSING; None is a value ("known to be empty")."""
        noun = self.own.noun if self.own else ""
        for names in (path.split("."), [noun, *path.split(".")]):
            for source in (self.said, self.known):
                found = _walk(source, names)
                if found is not MISSING:
                    return found
        return MISSING

    def move(self, path: str) -> Change | None:
        """How the event says the field moved; only its own record's fields can move."""
        noun, _, name = path.rpartition(".")
        if self.own is None or noun not in ("", self.own.noun):
            return None
        return self.moves.get(name)


def scope_of(event: Event, changes: Changes, known: Known) -> Scope:
    """The scope of an event."""
    facts = {
        "type": changes.types[0],
        "source": event.source,
        "connection": event.connection,
        "by": event.by,
        "occurred_at": event.occurred_at.isoformat(),
    }
    said = {**event.data, "event": facts, "data": event.data}
    if event.record is not None:
        said[event.record.noun] = _own(event, event.record)
    return Scope(said, known, event.record, changes.fields)


def scope_of_task(task: TaskFacts, known: Known) -> Scope:
    """The scope of a completed task."""
    facts = {
        "id": task.id,
        "kind": task.kind,
        "outcome": task.outcome,
        "priority": task.priority,
        "level": task.level,
        "completed_by": task.completed_by,
        "data": task.data,
    }
    carried = {noun: task.data[noun] for noun in NOUNS if isinstance(task.data.get(noun), Mapping)}
    return Scope({"task": facts, "data": task.data}, {**carried, **known}, task.record)


def scope_of_record(ref: RecordRef, known: Known) -> Scope:
    """The scope of a timer: there is no event, only what is known."""
    return Scope({}, known, ref)


def _own(event: Event, ref: RecordRef) -> dict[str, Any]:
    """The event's own record as it shows it; of the status, the sender's own word comes first if they have one."""
    stated = statements(replace(event, told={}))[ref]
    status = {"status": stated["status_label"]} if "status_label" in stated else {}
    return {"id": ref.id, **stated, **status}


def _walk(value: Any, names: list[str]) -> Any:
    for name in names:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value
