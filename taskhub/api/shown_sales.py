"""What clients get of leads, deals, accounts, contacts and pipelines."""

from __future__ import annotations

from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Caller, can
from taskhub.acts.converting import Converted
from taskhub.api import seen, shown
from taskhub.connectors.asking.shown import pending as pending  # noqa: PLC0414  this page gives them on
from taskhub.connectors.asking.shown import record as record  # noqa: PLC0414
from taskhub.connectors.asking.shown import records as records  # noqa: PLC0414
from taskhub.db.tx import Tx
from taskhub.policy.policies import Pipeline, Stage
from taskhub.policy.text import LocalText
from taskhub.sales.fields import as_answered
from taskhub.sales.model import RecordState


def converted(tx: Tx, done: Converted) -> dict[str, Any]:
    """All that a conversion led to, and where each of it is found.

    An account or contact that was there and that the caller may not read is named, no more.
    """
    states = {"lead": done.lead, "account": done.account, "contact": done.contact, "deal": done.deal}
    links = {noun: f"/api/v1/{noun}s/{state.ref.id}" for noun, state in states.items() if state is not None}
    task = shown.task(tx, done.follow_up) if done.follow_up else None
    if task is not None:
        links["follow_up"] = f"/api/v1/tasks/{task['id']}"
    who = access.caller(tx)
    found = {noun: None if state is None else _for(tx, state, who) for noun, state in states.items()}
    return {"conversion": done.id, **found, "follow_up": task, "made": list(done.made), "links": links}


def _for(tx: Tx, state: RecordState, who: Caller) -> dict[str, Any]:
    if can(who, "record.read", seen.of_record(tx, state, who)):
        return record(tx, state)
    named = as_answered({name: state.fields.get(name) for name in ("name", "customer_since")})
    return {**named, "noun": state.ref.noun, "id": state.ref.id}


def pipeline(line: Pipeline, language: str) -> dict[str, Any]:
    """A path with its stages, named and explained in the reader's language."""
    return {
        "key": line.key, "noun": line.noun, "name": line.name.in_(language), "currency": line.currency,
        "follow_up": line.follow_up, "required_to_convert": list(line.required_to_convert),
        "lost_reasons": [{"key": key, "name": name.in_(language)} for key, name in line.lost_reason_names.items()],
        "stages": [_stage(stage, language) for stage in line.stages],
    }  # fmt: skip


def _stage(stage: Stage, language: str) -> dict[str, Any]:
    return {
        "key": stage.key, "name": stage.name.in_(language), "meaning": _said(stage.meaning, language),
        "guidance": _said(stage.guidance, language), "key_fields": list(stage.key_fields),
        "required_fields": list(stage.required_fields), "expected_days": stage.expected_days,
    }  # fmt: skip


def _said(text: LocalText | None, language: str) -> str | None:
    return None if text is None else text.in_(language)
