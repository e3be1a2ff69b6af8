"""Stored events projected once more, in memory: what was known after each of them, nothing written. Pure.

A record begins as it is known today without what was said of it since: a field that was overwritten meanwhile is not
known until the event that says it. Events that state their own moves need no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from taskhub.events.model import Event, RecordRef
from taskhub.sales.model import Changes, RecordState
from taskhub.sales.ownership import heard, heard_beside
from taskhub.sales.projection import side_statements
from taskhub.sales.stated import stated_changes

Load = Callable[[RecordRef], RecordState | None]
Known = Mapping[str, Mapping[str, Any]]


def rewound(state: RecordState | None, since: datetime) -> RecordState | None:
    """The record without the fields that were last set at ``since`` or later; None when nothing is left."""
    if state is None:
        return None
    old = {name: version for name, version in state.versions.items() if version.at < since}
    if not old:
        return None
    fields = {name: state.fields[name] for name in old if name in state.fields}
    return replace(state, fields=fields, versions=old, last_changed=max(version.at for version in old.values()))


class Replay:
    """The projection as it goes through the events again. ``load`` knows records as they are today."""

    def __init__(self, load: Load, since: datetime, links: Mapping[str, tuple[str, ...]]) -> None:
        self._load = load
        self._since = since
        self._links = links
        self._states: dict[RecordRef, RecordState | None] = {}

    def apply(self, event: Event) -> tuple[Changes, Known]:
        """What the event changed, and what was known afterwards of its record and those linked to it."""
        if event.record is None:
            return stated_changes(event), {}
        changes = stated_changes(event)
        said = side_statements(event)
        for ref in sorted({event.record, *said}):
            if ref == event.record:
                self._states[ref], changes = heard(self._state(ref), event)
            else:
                self._states[ref] = heard_beside(self._state(ref), event, ref, said[ref])
        return changes, self._known(event.record, said)

    def before(self, event: Event) -> list[tuple[RecordState, Known]]:
        """The records the event speaks of as they stand without it, with what is known around them."""
        refs = () if event.record is None else sorted({event.record, *side_statements(event)})
        return [stood for ref in refs if (stood := self.standing(ref)) is not None]

    def standing(self, ref: RecordRef) -> tuple[RecordState, Known] | None:
        """A record as it stands now; None when nothing was known of it."""
        state = self._state(ref)
        return None if state is None else (state, self._known(ref, {}))

    def _state(self, ref: RecordRef) -> RecordState | None:
        if ref not in self._states:
            self._states[ref] = rewound(self._load(ref), self._since)
        return self._states[ref]

    def _known(self, own: RecordRef, said: Mapping[RecordRef, Any]) -> Known:
        found = {ref.noun: _shown(state) for ref in (own, *said) if (state := self._states[ref]) is not None}
        for noun in self._links.get(own.noun, ()):
            id_ = found.get(own.noun, {}).get(noun)
            state = self._state(RecordRef(noun, id_)) if noun not in found and isinstance(id_, str) else None
            if state is not None:
                found[noun] = _shown(state)
        return found


def _shown(state: RecordState) -> Mapping[str, Any]:
    return {**state.fields, "id": state.ref.id}
