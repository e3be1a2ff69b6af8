"""The rows of one piece come in: records with their accounts and contacts, or tasks; what is known stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events import own
from taskhub.events.model import RecordRef, Version
from taskhub.failpoints import failpoint
from taskhub.importing.model import SOURCE, Judged, NewRecord, NewWork, Party, Refused, Run
from taskhub.importing.store import Made
from taskhub.importing.telling import Told, tie_of, told
from taskhub.sales import arriving
from taskhub.sales.model import RecordState
from taskhub.tasks import arriving as work
from taskhub.tasks.arriving import Arrival


@dataclass(slots=True)
class Piece:
    """What came of the rows of one piece."""

    new: int = 0
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)


def sorted_out(tx: Tx, judged: Sequence[Judged]) -> tuple[list[NewRecord], list[NewWork], Piece]:
    """What is really new: without rows that are known, that come again, or that name records nobody knows."""
    done = Piece(refused=[one for one in judged if isinstance(one, Refused)])
    named = {ref for one in judged if not isinstance(one, Refused) for ref in one.links}
    missing = named - arriving.known(tx, named)
    good: dict[Any, NewRecord | NewWork] = {}
    for one in judged:
        if isinstance(one, Refused):
            continue
        lost = next((ref for ref in one.links if ref in missing), None)
        if lost is not None:
            message = f"{lost.noun}: there is no {lost.noun} {lost.id[:60]!r}; bring it in first, or leave it out"
            done.refused.append(Refused(one.line, "unknown_record", f"{message}."))
        elif good.setdefault(_key(one), one) is not one:
            done.known += 1
    known = _known(tx, list(good.values()))
    done.known += len(known)
    new = [one for key, one in good.items() if key not in known]
    return [one for one in new if isinstance(one, NewRecord)], [one for one in new if isinstance(one, NewWork)], done


def _key(one: NewRecord | NewWork) -> Any:
    return one.ref if isinstance(one, NewRecord) else one.new.origin


def _known(tx: Tx, new: Sequence[NewRecord | NewWork]) -> set[Any]:
    refs = arriving.known(tx, [one.ref for one in new if isinstance(one, NewRecord)])
    names = {str(one.new.origin): one.id for one in new if isinstance(one, NewWork)}
    return set(refs) | (work.known(tx, names) if names else set())


def bring(tx: Tx, run: Run, judged: Sequence[Judged]) -> Piece:
    """Brings in what is new of a piece."""
    records, tasks, done = sorted_out(tx, judged)
    if records:
        _records(tx, run, records, done)
    if tasks:
        _tasks(tx, run, tasks, done)
    failpoint("importing.brought")
    return done


def _tasks(tx: Tx, run: Run, new: Sequence[NewWork], done: Piece) -> None:
    made = work.take_over(tx, [Arrival(one.new, one.agent, one.waits_for, one.until) for one in new])
    done.new += len(made)
    done.known += len(new) - len(made)
    lines = {str(one.new.origin): one.line for one in new}
    done.made += [Made("task", id_, lines[origin], ()) for origin, id_ in made.items()]


def _records(tx: Tx, run: Run, new: Sequence[NewRecord], done: Piece) -> None:
    placed, parties = _with_parties(tx, run, new, done)
    fresh_parties = arriving.bring_in(tx, [state for state, _ in parties.values()])
    tell = [told(one, run.id, {ref.noun: ref.id for ref in refs}) for one, refs in placed]
    fresh = arriving.bring_in(tx, [one.state for one in tell])
    done.new += len(fresh)
    done.known += len(tell) - len(fresh)
    lines = {one.ref: one.line for one in new} | {ref: line for ref, (_, line) in parties.items()}
    events = _tell(tx, run, [one for one in tell if one.state.ref in fresh])
    for ref in sorted(fresh | fresh_parties):
        tx.record(*ref, "import", {"import": run.id, "line": lines[ref], "for": run.by})
    done.made += [Made(*ref, lines[ref], events.get(ref, ())) for ref in sorted(fresh | fresh_parties)]


def _tell(tx: Tx, run: Run, tell: Sequence[Told]) -> dict[RecordRef, tuple[str, ...]]:
    """Rules hear of it as of everything, where that was wanted; else only the way is kept. Ref → ids of its events."""
    if not run.options.get("create_tasks"):
        moves = [move for one in tell for move in one.moves()]
        arriving.note_moves(tx, moves)
        ids: dict[RecordRef, tuple[str, ...]] = {}
        for move in moves:
            ref = RecordRef(move["noun"], move["record"])
            ids[ref] = (*ids.get(ref, ()), move["event"])
        return ids
    return {one.state.ref: tuple(own.ingest(tx, event) for event, _ in one.events) for one in tell}


Placed = list[tuple[NewRecord, list[RecordRef]]]
Parties = dict[RecordRef, tuple[RecordState, int]]


def _with_parties(tx: Tx, run: Run, new: Sequence[NewRecord], done: Piece) -> tuple[Placed, Parties]:
    """Each record with its account and contact; those to be made by ref. A party nobody can make refuses its row."""
    wanted = [(party.noun, party.fields) for one in new for party in one.parties if party.id is None]
    arriving.hold(tx, wanted)
    placed: Placed = []
    parties: Parties = {}
    found: dict[str, tuple[RecordRef, bool]] = {}
    for one in new:
        refs: list[RecordRef] = []
        for party in one.parties:
            ref, there = _found(tx, found, party)
            if not there and not (party.fields.get("name") or party.fields.get("email")):
                message = f"{ref.noun}: there is no {ref.noun} {ref.id[:60]!r}, and no name to make one of."
                done.refused.append(Refused(one.line, "unknown_record", message))
                break
            if not there and ref not in parties:
                parties[ref] = (_party(run, one, party, ref, refs), one.line)
            refs.append(ref)
        else:
            placed.append((one, refs))
    return placed, parties


def _found(tx: Tx, found: dict[str, tuple[RecordRef, bool]], party: Party) -> tuple[RecordRef, bool]:
    name = f"{party.noun} {party.id} {sorted(party.fields.items())}"
    if name not in found:
        found[name] = arriving.party(tx, party.noun, party.fields, party.id)
    return found[name]


def _party(run: Run, one: NewRecord, party: Party, ref: RecordRef, before: Sequence[RecordRef]) -> RecordState:
    fields: Mapping[str, Any] = {name: value for name, value in party.fields.items() if value is not None}
    linked = {ref.noun: ref.id for ref in before if party.noun == "contact"}
    owner = {"owner": one.fields["owner"]} if one.fields.get("owner") else {}
    tie = f"{tie_of(run.id)}{one.line}:0 {SOURCE}"
    return arriving.as_of(ref, {**fields, **linked, **owner}, Version(one.way.created_at, tie))
