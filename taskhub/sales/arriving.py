"""Records that were somewhere else until now: brought in as they are, without a rule, and taken out again untouched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events.model import RecordRef, Version
from taskhub.failpoints import failpoint
from taskhub.ids import digest
from taskhub.sales import store
from taskhub.sales.duplicates import following, merges
from taskhub.sales.duplicates import service as duplicates
from taskhub.sales.duplicates.prints import FAMILIES
from taskhub.sales.matching import key_of
from taskhub.sales.model import RecordState
from taskhub.sales.ownership import owner_of
from taskhub.sales.search import service as search


def known(tx: Tx, refs: Iterable[RecordRef]) -> set[RecordRef]:
    """Those of the records that are there."""
    ids: dict[str, set[str]] = {}
    for ref in refs:
        ids.setdefault(ref.noun, set()).add(ref.id)
    return {RecordRef(noun, id_) for noun, mine in ids.items() for id_ in store.known(tx, noun, sorted(mine))}


def bring_in(tx: Tx, states: Sequence[RecordState]) -> set[RecordRef]:
    """Stores the records of which nothing is known; those alone are returned. What is known stays as it is.

    A record whose id is one of a CRM's belongs to that CRM.
    """
    fresh: set[RecordRef] = set()
    states = [replace(one, connection=owner_of(one.ref.id, tx.policies.connections)) for one in states]
    for noun in sorted({state.ref.noun for state in states}):
        mine = [state for state in states if state.ref.noun == noun]
        fresh |= {RecordRef(noun, id_) for id_ in store.add_many(tx, noun, mine)}
        failpoint("arriving.records")
    stored = {state.ref: state for state in states if state.ref in fresh}
    duplicates.noted(tx, stored)
    search.noted(tx, stored)
    return fresh


def note_moves(tx: Tx, moves: Sequence[Mapping[str, Any]]) -> None:
    """Keeps how records that were brought in went along their path before."""
    if moves:
        store.note_move(tx, *moves)


def party(tx: Tx, noun: str, fields: Mapping[str, Any], id_: str | None) -> tuple[RecordRef, bool]:
    """The account or contact meant, by its id or as a conversion would find it, and whether it is there already.

    Hold its name first (``hold``): then nobody makes the same one meanwhile.
    """
    if id_ is not None:
        return RecordRef(noun, id_), bool(store.known(tx, noun, [id_]))
    key = key_of(noun, fields)
    found = store.matching(tx, noun, key) if key is not None else None
    return RecordRef(noun, found or digest("imported", noun, key or "")), found is not None


def hold(tx: Tx, wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Nobody else makes these accounts and contacts until the transaction ends; asked for before any is locked."""
    store.hold(tx, {f"{noun} {key}" for noun, fields in wanted if (key := key_of(noun, fields)) is not None})


def hold_name(tx: Tx, name: str) -> None:
    """Nobody else works under this name until the transaction ends."""
    store.hold(tx, [name])


def where_now(tx: Tx, refs: Collection[RecordRef], *, hold: bool = False) -> dict[RecordRef, RecordRef]:
    """Where each of the records is now: itself, unless it was merged. ``hold``: they stay there meanwhile."""
    held: set[RecordRef] = set()
    wanted = set(refs)
    while True:
        if hold:
            store.lock_all(tx, wanted - held, shared=True)
        held |= wanted
        ways = merges.ways(tx, refs)
        now = {ref: following.end(ref, ways) for ref in refs}
        wanted = set(now.values()) - held
        if not hold or not wanted:
            return now


def lock(tx: Tx, refs: Collection[RecordRef]) -> None:
    """Nobody else changes these records until the transaction ends."""
    store.lock_all(tx, refs)


def as_of(ref: RecordRef, fields: Mapping[str, Any], version: Version) -> RecordState:
    """A record of which one statement is all that is known."""
    return RecordState(ref, dict(fields), dict.fromkeys(fields, version), version.at, version.at)


def untouched(state: RecordState, tie: str) -> bool:
    """Whether nobody has said or done anything to it but whose versions begin with ``tie``."""
    return state.version == 1 and all(version.tie.startswith(tie) for version in state.versions.values())


def touched(tx: Tx, noun: str, ids: Sequence[str], tie: str) -> set[str]:
    """Those of the records that people or events have changed since."""
    return {state.ref.id for state in store.load_many(tx, noun, ids) if not untouched(state, tie)}


def take_out(tx: Tx, moves: Mapping[RecordRef, Collection[str]], tie: str) -> dict[RecordRef, bool]:
    """Takes the records away that are untouched and to which none points; record → whether it is gone.

    ``moves``: the events under which its way was noted.
    """
    gone: dict[RecordRef, bool] = {}
    states = {ref: store.lock(tx, ref) for ref in sorted(moves)}
    used = _used(tx, states)
    for ref, state in states.items():
        gone[ref] = state is None or (untouched(state, tie) and ref not in used)
        if state is not None and gone[ref]:
            store.remove(tx, ref, sorted(moves[ref]))
            failpoint("arriving.taken_out")
    duplicates.forgotten(tx, [str(ref) for ref, is_gone in gone.items() if is_gone and ref.noun in FAMILIES])
    search.forgotten(tx, [str(ref) for ref, is_gone in gone.items() if is_gone])
    return gone


def _used(tx: Tx, refs: Collection[RecordRef]) -> set[RecordRef]:
    nouns = {ref.noun for ref in refs}
    ids = {noun: [ref.id for ref in refs if ref.noun == noun] for noun in nouns}
    return {RecordRef(noun, id_) for noun in nouns for id_ in store.pointed_at_among(tx, noun, ids[noun])}
