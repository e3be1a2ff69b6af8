"""The merge of several records into one, step by step, and which value wins where and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.model import RecordRef
from taskhub.sales.duplicates.merging import KEPT, LINKED, SINCE, UNTOUCHED, Plan, Side, plan, refuse_ended
from taskhub.sales.model import RecordState

CHOSEN, ONLY, SAME, NEWER, EARLIEST, WAY, LINK = "chosen", "only", "same", "newer", "earliest", "way", "link"
WHYS = (CHOSEN, ONLY, SAME, NEWER, EARLIEST, WAY, LINK)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A field after the merge: ``of`` names the record whose ``value`` wins, ``values`` what each of them says."""

    field: str
    value: Any
    of: str
    why: str
    values: Mapping[str, Any]


def plans(stays: Side, gone: Sequence[Side], chosen: Mapping[str, str]) -> list[Plan]:
    """A plan for each record that goes, each beginning where the one before it ended.

    ``chosen``: field → id of whose value wins. Raises InvalidInput, Conflict.
    """
    known = {one.state.ref.id for one in (stays, *gone)}
    refs = [one.state.ref for one in gone]
    if len({*refs}) < len(refs):
        raise InvalidInput("A record is named twice. Name each once.", code="same_record")
    _refuse_strangers(chosen, known, stays.state.ref)
    _refuse_unsaid(chosen, stays.state, [one.state for one in gone])
    found: list[Plan] = []
    now = stays
    for goes in gone:
        refuse_ended(goes.state)
        here = {
            name: id_ if id_ == goes.state.ref.id else now.state.ref.id
            for name, id_ in chosen.items()
            if name in {*now.state.fields, *goes.state.fields}
        }
        found.append(plan(now, goes, {}, chosen=here))
        now = replace(now, state=_after(now.state, goes.state, found[-1]))
    return found


def _after(stays: RecordState, goes: RecordState, step: Plan) -> RecordState:
    """The record between two steps: a value that was taken is as new as it was where it came from."""
    versions = {name: goes.versions[name] for name in step.fields if name in goes.versions}
    return replace(stays, fields={**stays.fields, **step.fields}, versions={**stays.versions, **versions})


def _refuse_strangers(chosen: Mapping[str, str], known: set[str], stays: RecordRef) -> None:
    wrong = sorted(name for name, id_ in chosen.items() if id_ not in known)
    if wrong:
        raise InvalidInput(
            f"For {', '.join(wrong)[:200]} choose the value of one of the records: {', '.join(sorted(known))[:200]}.",
            code="unknown_record", record=str(stays),
            errors=[{"path": f"choose.{name[:60]}", "message": "names none of the records"} for name in wrong],
        )  # fmt: skip


def _refuse_unsaid(chosen: Mapping[str, str], stays: RecordState, gone: Sequence[RecordState]) -> None:
    """That the one that stays keeps nothing where it says nothing is a choice; to take nothing over is none."""
    known = {name for one in (stays, *gone) for name in one.fields}
    said = {one.ref.id: {name for name, value in one.fields.items() if value not in (None, "")} for one in gone}
    wrong = sorted(name[:60] for name, id_ in chosen.items() if name not in said.get(id_, known))
    if wrong:
        raise InvalidInput(
            f"The record that is chosen says nothing about {', '.join(wrong)[:200]}. The preview lists what each says.",
            errors=[{"path": f"choose.{name}", "message": "is not said by that record"} for name in wrong],
        )  # fmt: skip


def shown(
    stays: RecordState, gone: Sequence[RecordState], steps: Sequence[Plan], chosen: Mapping[str, str]
) -> list[Chosen]:
    """Every field that says something, as it will be."""
    sides = [stays, *gone]
    names = sorted({name for side in sides for name in side.fields} - {*UNTOUCHED})
    taken = {name: step.goes.id for step in steps for name in step.fields}
    found = []
    for name in names:
        values = {side.ref.id: side.fields[name] for side in sides if side.fields.get(name) not in (None, "")}
        of = taken.get(name, stays.ref.id)
        if values:
            why = CHOSEN if name in chosen else _why(name, values)
            found.append(Chosen(name, values.get(of), of, why, values))
    return found


def _why(name: str, values: Mapping[str, Any]) -> str:
    if len(values) == 1:
        return ONLY
    if all(value == next(iter(values.values())) for value in values.values()):
        return SAME
    if name == SINCE:
        return EARLIEST
    return WAY if name in KEPT else LINK if name in LINKED else NEWER
