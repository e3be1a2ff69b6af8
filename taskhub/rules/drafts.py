"""From a task template to a draft: title, level, requirements, who must not do it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskhub.events.model import NOUNS, Version
from taskhub.ids import digest
from taskhub.policy.rule import Rule, TaskTemplate
from taskhub.policy.work import ChecklistItem, Kind
from taskhub.rules.file import File
from taskhub.rules.match import all_hold, among
from taskhub.rules.model import TaskDraft
from taskhub.rules.scope import Scope
from taskhub.rules.wording import filled, render

CARRIED = ("id", "title", "name", "company", "email", "phone", "stage", "pipeline", "amount", "currency", "owner")
_DRAW_DIGITS = 12
_DRAW_SPAN = float(16**_DRAW_DIGITS)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why drafts are made: what may be looked at, the change's name and version, the file, the chain behind it."""

    scope: Scope
    key: str
    version: Version
    file: File
    parent: str | None = None
    completer: str | None = None
    depth: int = 0
    share_all: bool = False
    is_check: bool = False

    def asks_for_check(self, template: TaskTemplate) -> bool:
        """Whether ``template`` is a second look at the task behind this cause."""
        return template.is_check and self.parent is not None


def drafts_of(rule: Rule, cause: Cause, kinds: Mapping[str, Kind]) -> tuple[TaskDraft, ...]:
    """The drafts of ``rule``; a template with a ``share`` is drawn by hash, so every replay draws the same."""
    drafts = []
    for number, template in enumerate(rule.tasks):
        origin = _origin(rule, number, cause)
        if _wanted(rule, number, origin, template, cause):
            drafts.append(_draft(rule, number, origin, template, cause, kinds))
    return tuple(drafts)


def _wanted(rule: Rule, number: int, origin: str, template: TaskTemplate, cause: Cause) -> bool:
    """A check is drawn by the task it looks at: work done again is looked at again. Never a check of a check."""
    if not cause.asks_for_check(template):
        return drawn(origin, template.share)
    if cause.is_check:
        return False
    return cause.share_all or drawn(draw_of(rule.key, number, cause.parent or ""), template.share)


def draw_of(rule: str, number: int, task: str) -> str:
    """The lot of a task under one rule: the same whenever it is drawn."""
    return digest("draw", rule, str(number), task)


def drawn(origin: str, share: float) -> bool:
    """Whether ``origin`` falls into ``share`` (0 none, 1 all)."""
    return int(origin[:_DRAW_DIGITS], 16) / _DRAW_SPAN < share


def _origin(rule: Rule, number: int, cause: Cause) -> str:
    record = cause.file.record
    once = rule.once_per == "record" and record is not None
    return digest("origin", rule.key, str(number), str(record) if once else cause.key)


def _draft(
    rule: Rule, number: int, origin: str, template: TaskTemplate, cause: Cause, kinds: Mapping[str, Kind]
) -> TaskDraft:
    kind = kinds.get(template.kind)
    level, requires = _asked_for(template, kind, cause.scope)
    return TaskDraft(
        rule=rule.key,
        number=number,
        origin=origin,
        kind=template.kind,
        title=_title(template, kind, cause.scope),
        version=cause.version,
        priority=template.priority,
        level=level,
        requires=requires,
        checklist=_checklist(kind, cause.scope),
        sla=template.sla or (kind.sla if kind else None),
        sla_from=rule.sla_from,
        delay=template.delay,
        waits_for=template.waits_for,
        not_by=template.not_by,
        excluded=_excluded(template, cause),
        completer=cause.completer if template.is_check or template.not_by == "completer" else None,
        checks=cause.parent if cause.asks_for_check(template) else None,
        blocking=template.blocking,
        record=cause.file.record,
        file=cause.file.key,
        lead=cause.file.lead,
        deal=cause.file.deal,
        data=_carried(cause.scope),
        parent=cause.parent,
        depth=cause.depth,
    )


def _title(template: TaskTemplate, kind: Kind | None, scope: Scope) -> str:
    name = str(kind.name) if kind else template.kind
    return render(template.title or name, scope) or name


def _asked_for(template: TaskTemplate, kind: Kind | None, scope: Scope) -> tuple[int, dict[str, Any]]:
    """The highest of all levels, and the requirements of kind, template and raises, the later ones winning."""
    levels = [kind.level if kind else 1, template.level or 1]
    requires = {**(kind.requires if kind else {}), **template.requires}
    for step in template.raises:
        if all_hold(step.when, scope):
            levels.append(step.level or 1)
            requires.update(step.requires)
    return max(levels), filled(requires, scope)


def _checklist(kind: Kind | None, scope: Scope) -> tuple[ChecklistItem, ...]:
    items = kind.checklist if kind else ()
    return tuple(item for item in items if all(among(scope.find(path), wanted) for path, wanted in item.when.items()))


def _excluded(template: TaskTemplate, cause: Cause) -> tuple[str, ...]:
    out: set[str] = set()
    if template.not_owner or template.not_by in ("owner", "rep"):
        owners = (cause.scope.find(f"{noun}.owner") for noun in ("deal", "lead"))
        out.update(owner for owner in owners if isinstance(owner, str) and owner)
    if (template.is_check or template.not_by == "completer") and cause.completer:
        out.add(cause.completer)
    return tuple(sorted(out))


def _carried(scope: Scope) -> dict[str, Any]:
    """What the event says of its records, or the task before carried, so that nobody types it again."""
    data = scope.said.get("data", {})
    objects = ((noun, scope.said.get(noun, data.get(noun))) for noun in NOUNS)
    return {
        noun: {name: value[name] for name in CARRIED if value.get(name) is not None}
        for noun, value in objects
        if isinstance(value, Mapping)
    }
