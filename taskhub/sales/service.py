"""The projection of events: what is known of leads, deals and the people behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.db import history as histories
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.events import own
from taskhub.events.model import Event, RecordRef
from taskhub.sales import ownership, store
from taskhub.sales.duplicates import merges
from taskhub.sales.duplicates import service as duplicates
from taskhub.sales.model import Changes, RecordState
from taskhub.sales.projection import side_statements
from taskhub.sales.replay import Replay
from taskhub.sales.search import service as search
from taskhub.sales.stage_changes import WAY, stage_change
from taskhub.sales.stated import stated_changes

LINKS = {"deal": ("lead", "account", "contact"), "lead": ("deal", "account", "contact"), "activity": ("lead", "deal")}

MERGES = "sales.merges"
UNSEEN = "There is no such record, or you may not see it."
"""As the permission table says it: from the answer nobody learns whether a record exists."""


class Projected(NamedTuple):
    """What an event changed, and what is known afterwards of its record and those linked to it.

    ``event`` is the event with every record it names where it is now; ``late``: where its own record has gone since.
    ``fresh``: nothing was known of the record before.
    """

    changes: Changes
    known: Mapping[str, Mapping[str, Any]]
    state: RecordState | None
    event: Event
    late: RecordRef | None = None
    fresh: bool = False


def apply(tx: Tx, event: Event, event_id: str | None = None) -> Projected:
    """Projects the event onto every record it speaks of, each locked in one order.

    ``event_id``: where the event is kept; what it says of the way of a lead or deal is noted under it, once.
    """
    if event.record is None:
        return Projected(stated_changes(event), {}, None, event)
    went = merges.followed(tx, event)
    own: RecordRef = went.event.record or event.record
    event, beside = went.event, side_statements(went.event)
    said = {ref: {**went.also.get(ref, {}), **beside.get(ref, {})} for ref in {*went.also, *beside}}
    states: dict[RecordRef, RecordState] = {}
    changes: Changes | None = None
    fresh: set[RecordRef] = set()
    for ref in sorted({own, *said}):
        after, change = _projected(None, event, ref, said)
        first = ownership.first_owner(ref.id, event, tx.policies.connections)
        if not store.add(tx, replace(after, connection=first)):
            before = store.lock(tx, ref)
            merges.refuse_moved(tx, before, went.gone)
            after, change = _projected(before, event, ref, said)
            store.save(tx, after)
        else:
            fresh.add(ref)
        states[ref], changes = after, change or changes
    duplicates.noted(tx, states)
    search.noted(tx, states, fresh)
    known = {ref.noun: {**states[ref].fields, "id": ref.id} for ref in (own, *beside)}
    changed = changes or stated_changes(event)
    if went.spent:
        changed = replace(changed, reason="merged")
    move = stage_change(event, changed) if event_id is not None else None
    if move is not None:
        store.note_move(tx, {"event": event_id, **move})
    return Projected(changed, linked(tx, own, known), states[own], event, went.late, own in fresh)


def _projected(
    before: RecordState | None, event: Event, ref: RecordRef, said: Mapping[RecordRef, Mapping[str, Any]]
) -> tuple[RecordState, Changes | None]:
    return (
        ownership.heard(before, event)
        if ref == event.record
        else (ownership.heard_beside(before, event, ref, said[ref]), None)
    )


def linked(tx: Tx, ref: RecordRef, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """``known`` completed by the records the record itself points at."""
    found = dict(known)
    for noun in LINKS.get(ref.noun, ()):
        id_ = found.get(ref.noun, {}).get(noun)
        if noun not in found and isinstance(id_, str):
            state = current(tx, RecordRef(noun, id_))
            if state is not None:
                found[noun] = {**state.fields, "id": state.ref.id}
    return found


def current(tx: Tx, ref: RecordRef) -> RecordState | None:
    """The record a name means: the one that stayed, where it was merged."""
    state = store.load(tx, ref)
    gone = state is not None and state.fields.get("merged_into") is not None
    return store.load(tx, merges.current(tx, ref)) if gone else state


def went(tx: Tx, id_: str, ref: RecordRef, into: RecordRef, event: Event) -> None:
    """A sender says that a locked record of its own was merged: on record, once.

    One that would go round is not believed.
    """
    store.hold(tx, [MERGES])
    if merges.live(tx, ref) is not None:
        return
    if merges.current(tx, into) == ref:
        state = get(tx, ref)
        store.save(tx, replace(state, fields={**state.fields, "merged_into": None}))
        tx.record(ref.noun, ref.id, "merge_refused", {"into": into.id, "why": "merge_cycle"})
        return
    by, told = event.connection or event.source, {"told": event.external_id}
    merges.keep(tx, merges.Merge(id_, str(ref), str(into), by, event.occurred_at, told, None, None, None))
    tx.record(ref.noun, ref.id, "merge_away", {"merged_into": [None, into.id]})


def locked(tx: Tx, ref: RecordRef) -> RecordState | None:
    """The record, locked; None when nothing is known of it."""
    return store.lock(tx, ref)


def known_of(tx: Tx, ref: RecordRef | None) -> dict[str, Mapping[str, Any]]:
    """What is known of a record and those it points at."""
    state = store.load(tx, ref) if ref else None
    if ref is None or state is None:
        return {}
    return linked(tx, ref, {ref.noun: {**state.fields, "id": ref.id}})


def replay(tx: Tx, since: datetime) -> Replay:
    """Events since then once more, in memory."""
    return Replay(lambda ref: store.load(tx, ref), since, LINKS)


def changed_since(tx: Tx, nouns: Iterable[str], since: datetime, most: int) -> list[RecordRef]:
    """Records of these nouns that something was said of since then, at most ``most`` of each."""
    return [RecordRef(noun, id_) for noun in nouns for id_ in store.changed_since(tx, noun, since, most)]


def get(tx: Tx, ref: RecordRef) -> RecordState:
    """What is known of a record. Raises NotFound."""
    state = store.load(tx, ref)
    if state is None:
        raise NotFound(UNSEEN)
    return state


def find(
    tx: Tx, noun: str, filters: Mapping[str, Any], cursor: tuple[Any, str] | None, limit: int
) -> tuple[list[RecordState], tuple[Any, str] | None]:
    """One page of records, newest change first, and where the next page begins."""
    states = store.find(tx, noun, filters, cursor, limit + 1)
    page = states[:limit]
    return page, (page[-1].last_changed, page[-1].ref.id) if len(states) > limit else None


def stage_since(tx: Tx, noun: str, ids: Sequence[str]) -> dict[str, datetime]:
    """Since when each of these leads or deals is at its stage."""
    return store.stage_since(tx, noun, ids)


def history(tx: Tx, ref: RecordRef) -> list[dict[str, Any]]:
    """What has happened to a record, oldest first: acts of people here, and moves that other senders told of."""
    shown = ("at", "by", "act", "change", "act_id")
    here = [{name: row[name] for name in shown} for row in histories.of(tx.conn, ref.noun, ref.id)]
    told = [_told(row) for row in store.moves_of(tx, ref.noun, ref.id) if row["source"] != own.SOURCE]
    return sorted([*here, *told], key=lambda one: one["at"])


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    was = row["was"] or {}
    change = {name: [was.get(name), row[name]] for name in WAY if row[name] is not None or name in was}
    return {"at": row["at"], "by": row["by"] or row["source"], "act": row["type"], "change": change, "act_id": None}
