"""Records that are the same become one, all or nothing: fields, those who belong to it, work, words of others.

Everybody who is touched is locked first, in one order; what is decided is decided on what was read behind the locks.
The records that go stay where they are, marked, and say where they went.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.acts import handing
from taskhub.db.interruption import Interrupted
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput, NotFound, VersionClash
from taskhub.events.model import RecordRef
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.notes import service as notes
from taskhub.sales import recording
from taskhub.sales import service as sales
from taskhub.sales.duplicates import merges, several
from taskhub.sales.duplicates.merges import Merge
from taskhub.sales.duplicates.merging import Plan, Side, survivor
from taskhub.sales.duplicates.several import Chosen
from taskhub.sales.model import RecordState
from taskhub.sales.native import Said
from taskhub.tasks import joining

May = Callable[[RecordState], object]
MOST = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """``gone`` go into ``stays``. ``choose``: field → id of whose value wins; ``versions``: id → the one that was read.

    ``batch`` names merges that are taken back together.
    """

    stays: RecordRef
    gone: tuple[RecordRef, ...]
    choose: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The record that stayed, those that went, and the ids of the merges: one for each that went."""

    state: RecordState
    gone: tuple[RecordState, ...]
    merges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a merge would do. ``suggested``: who would rather stay. ``moves``: noun → how many follow."""

    stays: RecordState
    gone: tuple[RecordState, ...]
    suggested: str
    fields: Sequence[Chosen]
    moves: Mapping[str, int]
    tasks: int
    closed: int


class _Work:
    """One merge under way: what is locked, the instant at which all of it happens, the events that say so."""

    def __init__(self, tx: Tx, wanted: Wanted, states: dict[RecordRef, RecordState]) -> None:
        self.tx = tx
        self.wanted = wanted
        self.states = states
        self.at: datetime = recording.moment(tx, states.values())
        self.steps: list[Plan] = []
        self.events: dict[RecordRef, str] = {}

    @property
    def gone(self) -> list[RecordState]:
        return [self.states[ref] for ref in self.wanted.gone]

    def tell(self, act: str, ref: RecordRef, changes: Mapping[str, Any], types: tuple[str, ...] | None = None) -> None:
        said = Said(ref, self.states[ref], changes, types=types)
        self.states[ref], self.events[ref] = recording.tell(self.tx, act, said, at=self.at)


def foresee(tx: Tx, wanted: Wanted) -> Foreseen:
    """What would be done, nothing locked or written. Raises what the merge would."""
    refuse_number(wanted)
    states = [sales.get(tx, ref) for ref in (wanted.stays, *wanted.gone)]
    for state in states:
        _refuse(tx, state)
    merges.refuse_denied(tx, wanted.stays, wanted.gone)
    steps = several.plans(Side(states[0]), [Side(state) for state in states[1:]], wanted.choose)
    follow = merges.pointing(tx, wanted.stays.noun, [ref.id for ref in wanted.gone])
    moves: dict[str, int] = {}
    for ref in follow:
        moves[ref.noun] = moves.get(ref.noun, 0) + 1
    work = [joining.foreseen(tx, str(ref), str(wanted.stays)) for ref in wanted.gone]
    fields = several.shown(states[0], states[1:], steps, wanted.choose)
    tasks, closed = (sum(len(found[index]) for found in work) for index in (0, 1))
    return Foreseen(states[0], tuple(states[1:]), suggested(tx, states).ref.id, fields, moves, tasks, closed)


def suggested(tx: Tx, states: Sequence[RecordState]) -> RecordState:
    """Which of these records would rather stay."""
    first, *others = [
        Side(state, joining.open_about(tx, str(state.ref)), state.connection is not None) for state in states
    ]
    for side in others:
        first = survivor(first, side)[0]
    return first.state


def merge(tx: Tx, wanted: Wanted, may: May | None = None) -> Merged:
    """One transaction. ``may`` raises for a record the caller may not change; it is asked behind the locks.

    Raises NotFound, InvalidInput, VersionClash, or Conflict that says what stands in the way.
    """
    refuse_number(wanted)
    links = merges.pointing(tx, wanted.stays.noun, [ref.id for ref in wanted.gone])
    work = _Work(tx, wanted, _locked(tx, wanted, links))
    for ref in (wanted.stays, *wanted.gone):
        if may is not None:
            may(work.states[ref])
        _refuse(tx, work.states[ref])
    _refuse_versions(work)
    merges.refuse_denied(tx, wanted.stays, wanted.gone)
    sides = [Side(work.states[ref]) for ref in (wanted.stays, *wanted.gone)]
    work.steps = several.plans(sides[0], sides[1:], wanted.choose)
    failpoint("merge.locked")
    _told(work)
    follow = _follow(work, links)
    failpoint("merge.linked")
    joined = [joining.join(tx, str(step.goes), str(step.stays)) for step in work.steps]
    failpoint("merge.joined")
    ids = _keep(work, follow, joined)
    failpoint("merge.kept")
    return Merged(work.states[wanted.stays], tuple(work.gone), ids)


def refuse_number(wanted: Wanted) -> None:
    """Raises InvalidInput for nothing to merge, too much of it, or a record with itself."""
    if not 1 <= len(wanted.gone) <= MOST:
        raise InvalidInput(f"Name 1 to {MOST} records that go into it.", code="too_many" if wanted.gone else None)
    if wanted.stays in wanted.gone:
        raise InvalidInput("A record cannot be merged with itself. Name two.", code="same_record")


def _locked(tx: Tx, wanted: Wanted, links: Mapping[RecordRef, str]) -> dict[RecordRef, RecordState]:
    found = {ref: sales.locked(tx, ref) for ref in sorted({wanted.stays, *wanted.gone, *links})}
    if any(found[ref] is None for ref in (wanted.stays, *wanted.gone)):
        raise NotFound(sales.UNSEEN)
    again = merges.pointing(tx, wanted.stays.noun, [ref.id for ref in wanted.gone])
    if not again.keys() <= links.keys():
        raise Interrupted("A record was linked to it at this very moment. Try again.", lost=False)
    return {ref: state for ref, state in found.items() if state is not None}


def _refuse(tx: Tx, state: RecordState) -> None:
    """What stands in the way of a record that is to stay or go."""
    if state.connection is not None and state.fields.get("deleted") is not True:
        recording.refuse_foreign(state, "merge it there")
    merges.refuse_gone(tx, state)
    recording.refuse_deleted(state)


def _refuse_versions(work: _Work) -> None:
    """Somebody has changed one of them since it was read."""
    sent = work.wanted.versions
    for ref in (work.wanted.stays, *work.wanted.gone):
        now = work.states[ref].version
        if sent is not None and sent.get(ref.id) != now:
            raise VersionClash(
                f"{ref} is at version {now}, you sent {sent.get(ref.id, 'none')}. Look at the preview again.",
                record=str(ref), version=now,
            )  # fmt: skip


def _told(work: _Work) -> None:
    """The record that stays takes what it takes; those that go say where they went."""
    stays = work.wanted.stays
    taken = {name: value for step in work.steps for name, value in step.fields.items()}
    if taken:
        work.tell("merge", stays, taken)
    work.tx.record(stays.noun, stays.id, "merge", {"merged": [ref.id for ref in work.wanted.gone]})
    failpoint("merge.taken")
    for ref in work.wanted.gone:
        handing.tell_former(work.tx, work.states[ref], work.states[stays])
        work.tell("merge_away", ref, {"deleted": True, "merged_into": stays.id}, (f"{ref.noun}.merged",))
    failpoint("merge.gone")


def _follow(work: _Work, links: Mapping[RecordRef, str]) -> dict[str, list[list[str]]]:
    """Whoever names a record that goes names the one that stays. Returns who did, by the id that went."""
    noun, stays = work.wanted.stays.noun, work.wanted.stays.id
    moved: dict[str, list[list[str]]] = {}
    for ref, gone in sorted(links.items()):
        if ref not in work.wanted.gone and work.states[ref].fields.get(noun) == gone:
            work.tell("relink", ref, {noun: stays})
            moved.setdefault(gone, []).append([*ref])
    return moved


def _keep(work: _Work, follow: Mapping[str, Any], joined: Sequence[joining.Joined]) -> tuple[str, ...]:
    tx, ids = work.tx, list[str]()
    batch = work.wanted.batch or (tx.act_id if len(work.steps) > 1 else None)
    for step, tasks in zip(work.steps, joined, strict=True):
        links = follow.get(step.goes.id, [])
        told = [step.goes, *(RecordRef(*one) for one in links), *([] if ids else [step.stays])]
        done = {
            "act": tx.act_id, "events": sorted(work.events[ref] for ref in told if ref in work.events),
            "fields": dict(step.fields), "was": dict(step.before), "chosen": sorted(work.wanted.choose),
            "links": links, "tasks": tasks.was, "closed": tasks.closed,
            "denials": merges.inherit(tx, step.goes, step.stays),
        }  # fmt: skip
        by = tx.by.agent or tx.by.label
        ids.append(new_id())
        notes.carry(tx, str(step.goes), str(step.stays), ids[-1])
        merges.keep(tx, Merge(ids[-1], str(step.goes), str(step.stays), by, work.at, done, batch, None, None))
    tx.inverse = {"op": "undo_merge", "merges": ids, "record": [*work.wanted.stays]}
    return tuple(ids)
