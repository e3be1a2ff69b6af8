"""A record that is brought in, as the events that would have told of it: made, moved, ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.events.model import Event
from taskhub.importing.model import SOURCE, NewRecord
from taskhub.sales.model import CONVERTED, OPEN, Changes, RecordState
from taskhub.sales.projection import project
from taskhub.sales.stage_changes import stage_change


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of the record in the end, and the events that say so with what each changes."""

    state: RecordState
    events: tuple[tuple[Event, Changes], ...]

    def moves(self) -> Iterator[dict[str, Any]]:
        """How it went along its path, each under the id of its event."""
        for event, changes in self.events:
            move = stage_change(event, changes)
            if move is not None:
                yield {"event": event.external_id, **move}


def told(new: NewRecord, run: str, parties: Mapping[str, str]) -> Told:
    """``parties``: noun → id of the account and contact that were found or made for it."""
    state: RecordState | None = None
    said: list[tuple[Event, Changes]] = []
    for event in _events(new, run, {**new.fields, **parties}):
        state, changes = project(state, event)
        said.append((event, changes))
    if state is None:
        raise RuntimeError("a record is made by an event")
    return Told(state, tuple(said))


def tie_of(run: str) -> str:
    """How the versions of everything a run has said begin."""
    return f"{run}:"


def _events(new: NewRecord, run: str, fields: Mapping[str, Any]) -> Iterator[Event]:
    ref, way = new.ref, new.way
    noun = ref.noun
    moved = {name: fields[name] for name in ("stage", "pipeline") if name in fields} if way.stage_at else {}
    first = {**fields, "status": OPEN, "id": ref.id}
    if moved:
        first = {name: value for name, value in first.items() if name != "stage"}

    def event(number: int, verb: str, at: Any, data: Mapping[str, Any], was: Mapping[str, Any]) -> Event:
        previous = {noun: dict(was)} if was else {}
        return Event(
            SOURCE, f"{tie_of(run)}{new.line}:{number}", (f"{noun}.{verb}",), at, ref, {noun: dict(data)}, previous
        )

    yield event(1, "created", way.created_at, first, {})
    if moved and way.stage_at is not None:
        yield event(2, "stage_changed", way.stage_at, {**moved, "id": ref.id}, {})
    if way.status != OPEN and way.closed_at is not None:
        ended = {"status": way.status, "id": ref.id}
        ended |= {"lost_reason": way.lost_reason} if way.lost_reason else {}
        ended |= {"converted_at": way.closed_at.isoformat()} if way.status == CONVERTED else {}
        yield event(3, way.status, way.closed_at, ended, {"status": OPEN})
