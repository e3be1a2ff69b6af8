"""From what is asked for to the row that is stored: stamped with kind, queue and policy, blocked or ready. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.policy.policies import Policies
from taskhub.policy.work import ChecklistItem, Kind
from taskhub.tasks.model import BLOCKED, QUEUED, NewTask
from taskhub.tasks.shape import Shape


@dataclass(slots=True)
class Draft:
    """A row of the task table to be, with its shape and the instant its clocks want to be looked at."""

    new: NewTask
    row: dict[str, Any]
    shape: Shape
    next_look: datetime | None = None

    @property
    def id(self) -> str:
        """The id the task will have."""
        return str(self.row["id"])


def draft(new: NewTask, policies: Policies, now: datetime, id_: str) -> Draft:
    """The row of ``new``, not yet blocked or ready. Raises InvalidInput for an unknown kind or another's queue."""
    kind = policies.kinds.get(new.kind)
    if kind is None:
        raise InvalidInput(
            f"There is no kind {new.kind!r}. Kinds: {', '.join(sorted(policies.kinds))}.", code="unknown_kind"
        )
    if new.queue is not None and new.queue != kind.queue:
        raise InvalidInput(
            f"Kind {kind.key!r} belongs to queue {kind.queue!r}; leave queue out or choose a kind of {new.queue!r}.",
            code="kind_not_in_queue", kind=kind.key, queue=kind.queue,
        )  # fmt: skip
    requires = {**kind.requires, **new.requires}
    level = max(kind.level, new.level or 1)
    shape = Shape.of(kind.queue, kind.key, skill=kind.skill_key, level=level, requires=requires)
    version_at, version_tie = new.version or (None, None)
    row = {
        "id": id_, "kind": kind.key, "title": new.title, "queue": kind.queue, "shape": shape.id,
        "priority": new.priority,
        "level": level, "weight": kind.weight, "minutes": kind.expected_minutes, "requires": requires,
        "record": new.record, "file": new.file, "lead": new.lead, "deal": new.deal, "event": new.event,
        "rule": new.rule,
        "parent": new.parent, "checks": new.checks, "blocking": new.blocking if new.checks else None,
        "customer": new.customer, "depth": new.depth, "origin": new.origin, "version_at": version_at,
        "version_tie": version_tie, "waits_for": list(new.waits_for), "created_at": new.since or now,
        "occurred_at": new.occurred_at,
        "due_at": new.due_at, "explicit_due": new.due_at is not None, "sla": new.sla or kind.sla,
        "checklist": ticked(checklist(kind if new.checklist is None else new.checklist), new.ticked),
        "data": dict(new.data), "note": new.note,
        "extra_teams": [], "policy_hash": policies.hash, "seq": 1,
        "blocked_until": now + new.delay if new.delay else new.blocked_until,
        # Steps of its ladder that are due already were climbed where it comes from, or are too late to be of use.
        "ladder_from": now if new.since else None,
        # Set when it becomes ready; every row of a batch has the same columns.
        "ready_at": None, "start_by": None, "sla_state": None,
    }  # fmt: skip
    return Draft(new, row, shape)


def checklist(source: Kind | Sequence[ChecklistItem]) -> list[dict[str, Any]]:
    """The stored form of a checklist: every item open."""
    items = source.checklist if isinstance(source, Kind) else source
    return [_item(number, item) for number, item in enumerate(items)]


def _item(number: int, item: ChecklistItem) -> dict[str, Any]:
    body: dict[str, Any] = {"item": number, "text": item.text.default, "required": item.required, "done": False}
    if item.text.by_language:
        body["texts"] = dict(item.text.by_language)
    if item.field:
        body["field"] = item.field
    if item.url:
        body["url"] = item.url
    return body


def ticked(items: list[dict[str, Any]], marks: Mapping[int, str]) -> list[dict[str, Any]]:
    """The items with these done ("x") or not applicable ("-")."""
    done: Mapping[str, Mapping[str, Any]] = {"x": {"done": True}, "-": {"not_applicable": "taken over"}}
    return [{**item, **done.get(marks.get(item["item"], ""), {})} for item in items]


def blockers(waits_for: Sequence[str], open_in_file: Sequence[tuple[str, str]], own: str) -> list[str]:
    """Ids of the open tasks of the file (id, kind) that ``waits_for`` names.

    >>> blockers(["contract"], [("t1", "contract"), ("t2", "credit")], "t9")
    ['t1']
    """
    return sorted({id_ for id_, kind in open_in_file if kind in waits_for and id_ != own})


def state_of(blocked_by: Sequence[str], blocked_until: datetime | None, now: datetime) -> str:
    """Blocked while it waits for others of its file or for a date; else queued."""
    waits = bool(blocked_by) or (blocked_until is not None and blocked_until > now)
    return BLOCKED if waits else QUEUED


def open_items(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Texts of the required items that are neither done nor declared not applicable."""
    return [str(i["text"]) for i in items if i.get("required") and not i.get("done") and not i.get("not_applicable")]
