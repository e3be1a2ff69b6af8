"""The rows of one piece come in: records with their accounts and contacts, or tasks; what is known stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskhub.db.tx import Tx
from taskhub.events import own
from taskhub.events.model import RecordRef, Version
from taskhub.failpoints import failpoint
from taskhub.importing import queries
from taskhub.importing.model import SOURCE, Judged, NewRecord, NewWork, Party, Refused, Run
from taskhub.importing.naming import named, unknown
from taskhub.importing.rights import Sees
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


def sorted_out(
    tx: Tx, given: Sequence[Judged], sees: Sees, *, hold: bool = False
) -> tuple[list[NewRecord], list[NewWork], Piece]:
    """What is really new: without rows that are known, that come again, or that name records nobody knows."""
    judged = named(tx, given, sees, hold=hold)
    done = Piece(refused=[one for one in judged if isinstance(one, Refused)])
    links = {ref for one in judged if not isinstance(one, Refused) for ref in one.links}
    missing = links - arriving.known(tx, links)
    good: dict[Any, NewRecord | NewWork] = {}
    for one in judged:
        if isinstance(one, Refused):
            continue
        lost = next((ref for ref in one.links if ref in missing), None)
        if lost is not None:
            done.refused.append(unknown(one.line, lost))
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
    works = [one for one in new if isinstance(one, NewWork)]
    if not works:
        return set(refs)
    # The same row is the same task, whoever brought it in.
    people = (None, *queries.importers(tx))
    names = {_origin(one, agent): one for one in works for agent in people}
    found = work.known(tx, {origin: one.id for origin, one in names.items()})
    return set(refs) | {names[origin].new.origin for origin in found}


def _origin(one: NewWork, agent: str | None) -> str:
    """What a person brings in carries who it was, as what they ask for: it opens nothing to themselves."""
    return str(one.new.origin) if agent is None else f"imported:agent:{agent}:{one.new.origin}"


def bring(tx: Tx, run: Run, judged: Sequence[Judged]) -> Piece:
    """Brings in what is new of a piece."""
    _hold(tx, judged)
    records, tasks, done = sorted_out(tx, judged, run.options.get("sees"), hold=True)
    if records:
        _records(tx, run, records, done)
    if tasks:
        _tasks(tx, run, tasks, done)
    failpoint("importing.brought")
    return done


def _hold(tx: Tx, judged: Sequence[Judged]) -> None:
    """Names are held before any record is locked; of pieces of tasks one after the other looks what is known."""
    records = [one for one in judged if isinstance(one, NewRecord)]
    wanted = [(party.noun, party.fields) for one in records for party in one.parties if party.id is None]
    arriving.hold(tx, wanted)
    if any(isinstance(one, NewWork) for one in judged):
        arriving.hold_name(tx, "imported tasks")


def _tasks(tx: Tx, run: Run, new: Sequence[NewWork], done: Piece) -> None:
    names = {_origin(one, run.agent): one for one in new}
    made = work.take_over(
        tx, [Arrival(replace(one.new, origin=origin), one.agent, one.waits_for, one.until)
             for origin, one in names.items()],
    )  # fmt: skip
    done.new += len(made)
    done.known += len(new) - len(made)
    done.made += [Made("task", id_, names[origin].line, ()) for origin, id_ in made.items()]


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
