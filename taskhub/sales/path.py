"""How leads and deals move along their path: forward once what stages ask for is filled in, back at any time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskhub.errors import Conflict
from taskhub.policy.policies import Pipeline, Policies, Stage
from taskhub.policy.reading.nearest import nearest
from taskhub.sales.fields import as_answered, invalid
from taskhub.sales.model import CONVERTED, LOST, OPEN, WON, RecordState
from taskhub.sales.money import too_fine

ENDS = {"lead": (LOST, CONVERTED), "deal": (WON, LOST)}

WORTH = frozenset({"amount", "currency", "expected_close_on"})
"""What a deal goes on saying once its lead is converted; two values of it would both be believed."""


def begun(noun: str, wanted: Mapping[str, Any], policies: Policies) -> dict[str, Any]:
    """A lead or deal as it begins: open, at the first stage of its pipeline unless another is named, with a currency.

    Raises InvalidInput for a pipeline, stage or currency that cannot be.
    """
    line = pipeline_of(noun, wanted, policies)
    given = {name: value for name, value in wanted.items() if value is not None}
    if line is None:
        return _paid({**given, "status": OPEN}, None)
    stage = stage_of(line, given["stage"]) if "stage" in given else line.stages[0]
    return _paid({**given, "status": OPEN, "pipeline": line.key, "stage": stage.key}, line)


def patched(state: RecordState, wanted: Mapping[str, Any], policies: Policies) -> dict[str, Any]:
    """What a change of fields comes to. A stage is moved to, not written: that has its own act.

    Raises Conflict for what the deal of a converted lead says; whom the lead was may be corrected.
    """
    after = {**state.fields, **wanted}
    line = None
    if state.ref.noun in ENDS:
        if {"stage", "pipeline", "status"} & wanted.keys():
            path = next(name for name in ("stage", "pipeline", "status") if name in wanted)
            use = "status" if path == "status" else "stage"
            raise invalid([(path, f"is not written: use /{state.ref.noun}s/{{id}}/{use}")], "use_the_act")
        line = pipeline_of(state.ref.noun, state.fields, policies, lenient=True)
    money = {"amount", "currency"} & wanted.keys()
    told = {**wanted, "currency": _paid(after, line).get("currency")} if money else wanted
    changes = {name: value for name, value in told.items() if value != state.fields.get(name)}
    if state.fields.get("status") == CONVERTED and filled(state.fields, "deal") and WORTH & changes.keys():
        raise _ended(state, f"its {', '.join(sorted(WORTH & changes.keys()))} went over to its deal, change it there")
    return changes


def pipeline_of(
    noun: str, fields: Mapping[str, Any], policies: Policies, *, lenient: bool = False
) -> Pipeline | None:  # fmt: skip
    """The pipeline named, else the first one of ``noun``; None where there is none. Raises InvalidInput."""
    lines = {line.key: line for line in policies.pipelines.values() if line.noun == noun}
    named = fields.get("pipeline")
    if named in lines:
        return lines[named]
    if named is not None and not lenient:
        raise unknown("pipeline", named, lines, "unknown_pipeline")
    if not lines:
        if fields.get("stage") is not None and not lenient:
            raise unknown("stage", fields["stage"], (), "unknown_stage")
        return None
    holding = (line for line in lines.values() if any(stage.key == fields.get("stage") for stage in line.stages))
    return next(holding, next(iter(lines.values())))


def stage_of(line: Pipeline, key: Any) -> Stage:
    """The stage of that key. Raises InvalidInput with the nearest one."""
    found = next((stage for stage in line.stages if stage.key == key), None)
    if found is None:
        raise unknown("stage", key, [stage.key for stage in line.stages], "unknown_stage")
    return found


def moved(state: RecordState, to: str, policies: Policies, pipeline: str | None = None) -> dict[str, Any]:
    """To another stage of its pipeline, or of the one named. Going forward asks for what stages on the way require.

    Into another pipeline it comes as if it began there: asked for is what the stages before that one require.
    """
    refuse_ended(state)
    here = pipeline_of(state.ref.noun, state.fields, policies, lenient=True)
    line = here if pipeline is None else pipeline_of(state.ref.noun, {"pipeline": pipeline}, policies)
    if line is None:
        raise unknown("stage", to, (), "unknown_stage")
    target, stays = stage_of(line, to), line == here
    if stays and target.key == state.fields.get("stage"):
        raise Conflict(f"It is at that stage already: {target.name}.", code="nothing_to_change", stage=target.key)
    missing = missing_before(line, state.fields if stays else {**state.fields, "stage": None}, target)
    if missing:
        raise fields_missing(missing)
    return {"stage": target.key, "pipeline": line.key}


def missing_before(line: Pipeline, fields: Mapping[str, Any], target: Stage | None) -> list[tuple[str, Stage]]:
    """What is still empty of what the stages before ``target`` require, from where the record stands (None: all)."""
    keys = [stage.key for stage in line.stages]
    here = keys.index(fields["stage"]) if fields.get("stage") in keys else 0
    there = len(keys) if target is None else keys.index(target.key)
    asked = [(name, stage) for stage in line.stages[here:there] for name in stage.required_fields]
    first = dict(reversed(asked))  # of two stages that ask for it the first
    return [(name, stage) for name, stage in first.items() if not filled(fields, name)]


def filled(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a field holds something."""
    return fields.get(name) not in (None, "", [], {})


def fields_missing(missing: Sequence[tuple[str, Stage]]) -> Exception:
    """InvalidInput that names what is missing, and which stage asks for it."""
    wrong = [(name, f"must be filled in before it leaves the stage {stage.name}") for name, stage in missing]
    return invalid(wrong, "fields_missing", missing=[name for name, _ in missing])


def lost(state: RecordState, reason: str, policies: Policies) -> dict[str, Any]:
    """Lost, for a reason from the pipeline's list where it has one."""
    refuse_ended(state)
    line = pipeline_of(state.ref.noun, state.fields, policies, lenient=True)
    if line is not None and line.lost_reasons and reason not in line.lost_reasons:
        raise unknown("reason", reason, line.lost_reasons, "unknown_reason")
    return {"status": LOST, "lost_reason": reason}


def won(state: RecordState, policies: Policies) -> dict[str, Any]:
    """Won: the end of the path, so everything its stages require from here on is asked for."""
    refuse_ended(state)
    line = pipeline_of(state.ref.noun, state.fields, policies, lenient=True)
    missing = missing_before(line, state.fields, None) if line else []
    if missing:
        raise fields_missing(missing)
    return {"status": WON}


def reopened(state: RecordState) -> dict[str, Any]:
    """Open again, at the stage where it was."""
    status = state.fields.get("status")
    if status == CONVERTED:
        raise _ended(state, "take the conversion back with /undo-conversion")
    if status not in ENDS[state.ref.noun]:
        raise Conflict(f"This {state.ref.noun} is open already.", code="nothing_to_change", status=status)
    return {"status": OPEN, "lost_reason": None}


def refuse_ended(state: RecordState) -> None:
    """Raises Conflict for a record that is won, lost or converted."""
    if state.fields.get("status") in ENDS[state.ref.noun]:
        raise _ended(state, "reopen it first" if state.fields["status"] != CONVERTED else "go on with its deal")


def _ended(state: RecordState, advice: str) -> Conflict:
    status = state.fields["status"]
    names = ("lost_reason", "converted_by", "converted_at", "account", "contact", "deal")
    facts = as_answered({name: state.fields[name] for name in names if filled(state.fields, name)})
    code = "already_converted" if status == CONVERTED else f"already_{status}"
    told = f" by {facts['converted_by']} at {facts['converted_at']}" if facts.keys() >= {"converted_by"} else ""
    return Conflict(f"This {state.ref.noun} is {status}{told}: {advice}.", code=code, status=status, **facts)


NONE = {
    "unknown_owner": "there are no people yet, make them with POST /api/v1/agents",
    "unknown_record": "there is no such record, or you may not see it",
}
LISTED = 12


def unknown(path: str, value: Any, known: Iterable[str], code: str) -> Exception:
    """InvalidInput for a name nobody knows, with the nearest that somebody does."""
    names = list(known)
    hint = nearest(str(value), names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = (
        f"it is one of {', '.join(names[:LISTED])}{more}" if names else NONE.get(code, "the policy files set up none")
    )
    said = f"{str(value)[:60]!r} is not known: {listed}" + (f"; did you mean {hint}?" if hint else "")
    return invalid([(path, said)], code)


def _paid(fields: dict[str, Any], line: Pipeline | None) -> dict[str, Any]:
    """Where there is an amount there is a currency, and the amount can be paid in it."""
    if fields.get("amount") is None:
        return fields
    currency = fields.get("currency") or (line.currency if line else None)
    if currency is None:
        raise invalid([("currency", "is missing: an amount has one")], "unknown_currency")
    fine = too_fine(fields["amount"], currency)
    if fine:
        raise invalid([("amount", fine)], "amount_invalid")
    return {**fields, "currency": currency}
