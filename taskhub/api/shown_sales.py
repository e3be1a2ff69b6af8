"""What clients get of leads, deals, accounts, contacts and pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from taskhub.access import service as access
from taskhub.access.permissions import Caller, can
from taskhub.acts.converting import Converted
from taskhub.api import seen, shown
from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.model import CrmAct
from taskhub.db.tx import Tx
from taskhub.policy.policies import Pipeline, Policies, Stage
from taskhub.policy.text import LocalText
from taskhub.sales import service as sales
from taskhub.sales.model import OPEN, RecordState

DAY = timedelta(days=1)


def record(tx: Tx, state: RecordState) -> dict[str, Any]:
    """One record as it is known."""
    return records(tx, state.ref.noun, [state])[0]


def records(tx: Tx, noun: str, states: Sequence[RecordState]) -> list[dict[str, Any]]:
    """Records of one noun; leads and deals say since when they are at their stage, and whether that is too long."""
    known = noun in ("lead", "deal")
    since = sales.stage_since(tx, noun, [state.ref.id for state in states]) if known else {}
    waiting = asked_there.pending(tx, [str(state.ref) for state in states if known and state.connection is not None])
    shown = [_record(tx, state, since.get(state.ref.id), known=known) for state in states]
    for state, row in zip(states, shown if known else (), strict=False):
        act = waiting.get(str(state.ref))
        row["pending"] = pending(act) if act else None
    return shown


def pending(act: CrmAct) -> dict[str, Any]:
    """What was asked of a CRM and is not answered yet; ``given_up``: since when, and why, it is not tried any more."""
    asked = {"act": act.id, "kind": act.kind, "connection": act.connection, "at": act.at, "by": act.agent or act.by}
    return {**asked, "given_up": {"at": act.given_up_at, "reason": act.trouble} if act.given_up_at else None}


def _record(tx: Tx, state: RecordState, since: datetime | None, *, known: bool) -> dict[str, Any]:
    return {
        **state.fields, **(_stay(state, since, tx.policies, tx.now) if known else {}), "noun": state.ref.noun,
        "id": state.ref.id, "connection": state.connection, "first_seen_at": state.first_seen,
        "last_changed_at": state.last_changed, "version": state.version,
    }  # fmt: skip


def _stay(state: RecordState, since: datetime | None, policies: Policies, now: datetime) -> dict[str, Any]:
    """``rotting``: it is open and has been at its stage for longer than that stage should take."""
    key, line = state.fields.get("stage"), state.fields.get("pipeline")
    stage = (
        policies.stage(state.ref.noun, key, line if isinstance(line, str) else None) if isinstance(key, str) else None
    )
    expected = stage.expected_days if stage else None
    days = None if since is None else (now - since) / DAY
    is_open = state.fields.get("status", OPEN) == OPEN
    over = expected is not None and days is not None and days > expected
    return {"stage_since": since, "expected_days": expected, "rotting": is_open and over}


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
    named = {name: state.fields.get(name) for name in ("name", "customer_since")}
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
