"""What a run has come to: its tasks without what no two runs share, ids and times."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from taskhub.db.tables import event, exclusion, task

READY = ("queued", "assigned")
_KEPT = (
    "kind", "title", "queue", "shape", "state", "priority", "level", "weight", "minutes", "requires", "record", "file",
    "lead", "deal", "rule", "depth", "origin", "version_at", "version_tie", "waits_for", "sla", "outcome", "note",
    "occurred_at", "checklist", "data", "policy_hash", "agent", "completed_by",
)  # fmt: skip


def tasks(conn: Connection, *, hands: bool = True, without: Collection[str] = (), hash_: bool = True) -> Counter[str]:
    """Every task as one line, but for kinds left out. Without ``hands`` it does not matter who of equals was given it.

    ``hash_`` False: nor under which policies, where sets of the same meaning follow each other.
    """
    rows = [dict(row._mapping) for row in conn.execute(select(task).where(task.c.kind.not_in(without)))]
    kinds = {row["id"]: row["kind"] for row in rows}
    out: dict[str, list[str]] = {}
    for row in conn.execute(select(exclusion)):
        out.setdefault(row.task, []).append(f"{row.agent}: {row.why}")
    return Counter(_line(row, kinds, out.get(row["id"], []), hands=hands) for row in _plain(rows, hash_=hash_))


def _plain(rows: list[dict[str, Any]], *, hash_: bool) -> list[dict[str, Any]]:
    return rows if hash_ else [row | {"policy_hash": None} for row in rows]


def _line(row: dict[str, Any], kinds: dict[str, str], out: list[str], *, hands: bool) -> str:
    told = {name: row[name] for name in _KEPT}
    if not hands and told["state"] in READY:
        told |= {"state": "ready", "agent": None}
    told["blocked_by"] = sorted(kinds[id_] for id_ in row["blocked_by"])
    told["delayed"] = row["blocked_until"] is not None
    told["excluded"] = sorted(out)
    return json.dumps(told, default=str, sort_keys=True)


def events(conn: Connection) -> Counter[tuple[str, str, str, str | None]]:
    """What became of every event: (source, its id there, state, reason)."""
    chosen = (event.c.source, event.c.external_id, event.c.state, event.c.reason)
    return Counter(tuple(row) for row in conn.execute(select(*chosen)))


def difference(found: Counter[Any], wanted: Counter[Any], most: int = 5) -> str:
    """What is missing and what is too much, in words; empty when both are the same."""
    missing, extra = wanted - found, found - wanted
    if not missing and not extra:
        return ""
    lines = [f"{missing.total()} missing, {extra.total()} too much of {wanted.total()}"]
    lines += [f"  missing {count} × {what}" for what, count in missing.most_common(most)]
    lines += [f"  extra   {count} × {what}" for what, count in extra.most_common(most)]
    return "\n".join(lines)
