"""What there is to export, and the columns of each. Leads, deals and open tasks can be brought in again as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.policy.policies import Policies
from taskhub.policy.work import PRIORITIES
from taskhub.sales.fields import FIELDS, KEPT, as_answered

_WAY = ("status", "lost_reason", "created_at", "stage_at", "closed_at")
_LAST = ("merged_into", "connection", "changed_at", "version", "fields")
COLUMNS: Mapping[str, Sequence[str]] = {
    "leads": ("id", *(name for name in FIELDS["lead"]), "deal", *_WAY, "converted_by", *_LAST),
    "deals": (
        "id", *(name for name in FIELDS["deal"] if name not in ("account", "contact")), "account", "account.name",
        "account.email", "account.phone", "contact", "contact.name", "contact.email", "contact.phone", *_WAY, *_LAST,
    ),
    "accounts": ("id", *FIELDS["account"], "customer_since", "created_at", *_LAST),
    "contacts": ("id", *FIELDS["contact"], "created_at", *_LAST),
    "moves": ("noun", "record", "at", "type", "source", "by", "pipeline", "stage", "status", "owner", "was"),
    "tasks": (
        "id", "kind", "title", "queue", "state", "owner", "priority", "created_at", "ready_at", "due_at",
        "waiting_reason", "waiting_until", "lead", "deal", "file", "waits_for", "checklist", "note", "started_at",
        "completed_at", "completed_by", "outcome", "sla_state", "customer", "rule", "event", "version", "fields",
    ),
    "notes": ("id", "kind", "on", "by", "text", "url", "at", "changed_at", "question", "version"),
    "questions": (
        "id", "task", "record", "state", "asked_by", "asked_of", "instead_of", "because", "text", "asked_at",
        "ended_at", "ended_by", "answer", "note", "passed", "version",
    ),
    "merges": ("id", "gone", "stays", "by", "at", "batch", "undone_by", "undone_at"),
    "history": ("row", "id", "seq", "at", "by", "act", "act_id", "change"),
    "decisions": (
        "id", "task", "at", "way", "outcome", "agent", "model", "strategy", "strategy_version", "policy_hash",
    ),
    "people": (
        "key", "name", "email", "team", "roles", "skills", "capacity", "capacity_minutes", "queue_caps", "time_zone",
        "shifts", "language", "stand_in", "external_ids", "hours_per_week", "cost_per_hour", "attributes", "active",
    ),
    "teams": ("key", "name", "kind", "leader", "managers", "department"),
    "queues": ("key", "name", "name_fr", "teams", "mode", "calendar", "model", "order", "kinds"),
    "events": (
        "id", "source", "external_id", "type", "subject", "connection", "occurred_at", "received_at", "state", "reason",
        "applied_at",
    ),
}  # fmt: skip
NOUNS = tuple(COLUMNS)
_MARKS = {True: "x", False: " "}


def record(noun: str, row: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A sales record; fields of one's own stand together in ``fields``. ``more``: its dates and parties."""
    fields = row["fields"]
    own = {name: value for name, value in fields.items() if name not in KEPT and value is not None}
    return {
        **as_answered(fields), "id": row["id"], "connection": row["connection"], "changed_at": row["last_changed_at"],
        "version": row["version"], "created_at": row["first_seen_at"], **more, "fields": own,
    }  # fmt: skip


def task(row: Mapping[str, Any]) -> dict[str, Any]:
    """A task in the words of an import."""
    return {
        **row, "owner": row["agent"], "priority": PRIORITIES[row["priority"]], "waiting_reason": row["paused_reason"],
        "waiting_until": row["paused_until"] or row["blocked_until"], "waits_for": ", ".join(row["waits_for"]) or None,
        "checklist": "\n".join(_item(one) for one in row["checklist"]) or None, "fields": row["data"] or None,
    }  # fmt: skip


def _item(item: Mapping[str, Any]) -> str:
    mark = "-" if item.get("not_applicable") else _MARKS[bool(item.get("done"))]
    return f"[{mark}] {item['text']}"


def queues(policies: Policies) -> list[Mapping[str, Any]]:
    """Queues as the active files say."""
    return [
        {
            "key": one.key, "name": one.name.default, "name_fr": one.name.by_language.get("fr"),
            "teams": list(one.teams), "mode": one.mode, "calendar": one.calendar, "model": one.staffing.model,
            "order": one.order, "kinds": [kind.key for kind in policies.kinds_of(one.key)],
        }
        for one in policies.queues.values()
    ]  # fmt: skip
