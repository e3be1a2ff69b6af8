"""Records as clients get them, with what their CRM was asked for and has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from taskhub.connectors.asking import service as asked_there
from taskhub.connectors.asking.model import CrmAct
from taskhub.db.tx import Tx
from taskhub.policy.policies import Policies
from taskhub.sales import service as sales
from taskhub.sales.fields import as_answered
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
        **as_answered(state.fields), **(_stay(state, since, tx.policies, tx.now) if known else {}),
        "noun": state.ref.noun, "id": state.ref.id, "connection": state.connection, "first_seen_at": state.first_seen,
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
