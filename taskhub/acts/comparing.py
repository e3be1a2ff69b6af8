"""Two plans of the same facts side by side: which tasks only one of them makes, which come out otherwise. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.policy.policies import Policies
from taskhub.rules.model import TaskDraft

CREATED, NOT_CREATED, CHANGED = "created", "not_created", "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One task that would come out otherwise. ``cause``: the id of the event or of the completed task behind it.

    ``task``: the one that was really made, where there is one. ``fields``: name -> (today, under the files).
    ``assumed``: it would follow from a task that was never made, once that one is done.
    """

    what: str
    cause: str
    at: datetime
    rule: str
    kind: str
    queue: str
    title: str
    origin: str
    task: str | None = None
    fields: Mapping[str, tuple[Any, Any]] | None = None
    assumed: bool = False


class Drafts:
    """The drafts of one side, each effect once, whoever asks for it again."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.origins: dict[str, TaskDraft] = {}

    def fresh(self, drafts: Iterable[TaskDraft]) -> list[TaskDraft]:
        """Those that were not asked for before and can be made."""
        new = [one for one in drafts if one.kind in self.policies.kinds and one.origin not in self.origins]
        self.origins |= {one.origin: one for one in new}
        return new


def compare(
    cause: str, at: datetime, today: Drafts, files: Drafts, plans: Sequence[Iterable[TaskDraft]]
) -> list[Difference]:
    """What one fact would lead to under the files and not today, the other way round, or in another form.

    Drafts are the same task when they have the same origin; else when they are of one kind: a rule may have a new name.
    """
    ours, theirs = today.fresh(plans[0]), files.fresh(plans[1])
    pairs, lost, won = _paired(ours, theirs)
    found = [_one(NOT_CREATED, cause, at, one, today.policies) for one in lost]
    found += [_one(CREATED, cause, at, one, files.policies) for one in won]
    for one, other in pairs:
        fields = _fields(one, other, today.policies, files.policies)
        if fields:
            found.append(_one(CHANGED, cause, at, one, today.policies, fields))
    return found


def followed(cause: Difference, files: Drafts, drafts: Iterable[TaskDraft]) -> list[Difference]:
    """What a task that was never made would lead to."""
    return [
        replace(_one(CREATED, cause.origin, cause.at, one, files.policies), assumed=True) for one in files.fresh(drafts)
    ]


def _paired(
    ours: list[TaskDraft], theirs: list[TaskDraft]
) -> tuple[list[tuple[TaskDraft, TaskDraft]], list[TaskDraft], list[TaskDraft]]:
    by_origin = {one.origin: one for one in theirs}
    pairs = [(one, by_origin[one.origin]) for one in ours if one.origin in by_origin]
    known = {one.origin for one, _ in pairs}
    lost = [one for one in ours if one.origin not in known]
    won = [one for one in theirs if one.origin not in known]
    for one in list(lost):
        other = next((each for each in won if each.kind == one.kind), None)
        if other is not None:
            pairs.append((one, other))
            lost.remove(one)
            won.remove(other)
    return pairs, lost, won


def _fields(one: TaskDraft, other: TaskDraft, today: Policies, files: Policies) -> dict[str, tuple[Any, Any]]:
    seen, then = _shown(one, today), _shown(other, files)
    return {name: (seen[name], then[name]) for name in seen if seen[name] != then[name]}


def _shown(one: TaskDraft, policies: Policies) -> dict[str, Any]:
    kind = policies.kinds[one.kind]
    return {
        "kind": one.kind, "queue": kind.queue, "priority": one.priority, "level": one.level, "sla": one.sla,
        "requires": dict(one.requires), "waits_for": list(one.waits_for), "title": one.title,
        "delay_s": one.delay.total_seconds() if one.delay else None, "weight": kind.weight, "asked_at": one.version.at,
    }  # fmt: skip


def _one(
    what: str, cause: str, at: datetime, draft: TaskDraft, policies: Policies,
    fields: Mapping[str, tuple[Any, Any]] | None = None,
) -> Difference:  # fmt: skip
    queue = policies.kinds[draft.kind].queue
    return Difference(what, cause, at, draft.rule, draft.kind, queue, draft.title, draft.origin, fields=fields)
