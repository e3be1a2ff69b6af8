"""What a change of the policies means for open work: whom it touches, and what level and promise it has now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from taskhub.policy.policies import Policies
from taskhub.policy.rule import TaskTemplate
from taskhub.policy.work import Kind

WORK, PROMISE, LADDER, PAUSE = "work", "promise", "ladder", "pause"


class Stamped(Protocol):
    """What decides about it, of one task or of many."""

    @property
    def kind(self) -> str: ...

    @property
    def sla(self) -> str | None: ...

    @property
    def rule(self) -> str | None: ...

    @property
    def paused_reason(self) -> str | None: ...


class Levelled(Stamped, Protocol):
    """The same of one task, with the level it asks for."""

    @property
    def level(self) -> int: ...


def touched(old: Policies | None, new: Policies, it: Stamped) -> frozenset[str]:
    """Which of WORK, PROMISE, LADDER and PAUSE differ for it; everything where the old set is not known any more."""
    if old is None:
        return frozenset((WORK, PROMISE, LADDER, PAUSE))
    before, now = _facts(old, it), _facts(new, it)
    return frozenset(name for name, fact in before.items() if fact != now[name])


def _facts(set_: Policies, it: Stamped) -> dict[str, Any]:
    return {
        WORK: (set_.kinds.get(it.kind), _queue(set_, it), _templates(set_, it)),
        PROMISE: (set_.sla.get(it.sla or ""), _calendar(set_, it)),
        LADDER: _ladder(set_, it),
        PAUSE: set_.pause_reasons.get(it.paused_reason or ""),
    }


def _queue(set_: Policies, it: Stamped) -> Any:
    kind = set_.kinds.get(it.kind)
    return set_.queues.get(kind.queue) if kind else None


def _calendar(set_: Policies, it: Stamped) -> Any:
    queue = _queue(set_, it)
    return set_.calendars.get(queue.calendar) if queue else None


def _ladder(set_: Policies, it: Stamped) -> Any:
    promise = set_.sla.get(it.sla or "")
    return set_.escalations.get(promise.escalation or "") if promise else None


def _templates(set_: Policies, it: Stamped) -> Sequence[TaskTemplate]:
    return [one for rule in set_.rules if rule.key == it.rule for one in rule.tasks if one.kind == it.kind]


def level(old: Policies | None, new: Policies, kind: Kind, it: Levelled) -> int:
    """The level the work asks for under ``new``, where ``kind`` is its kind.

    How skilled one must be is a policy of ours, and follows the files: what only the kind, or only the rule, had
    asked for goes with them. What somebody asked for by hand stays. What a task requires (its language, its region) is
    a fact of the work, and stays too.
    """
    was = old.kinds.get(it.kind) if old is not None else None
    floor = was.level if was is not None else 0
    if it.rule is None:
        return max(kind.level, it.level if it.level > floor else 1)
    before = [max(floor, one.level or 1) for one in (_templates(old, it) if old is not None else ())]
    now = _templates(new, it)
    if it.level in before:
        place = before.index(it.level)
        return max(kind.level, (now[place].level or 1) if place < len(now) else 1)
    return max(kind.level, min(it.level, _most(now)))


def _most(made: Sequence[TaskTemplate]) -> int:
    """The highest level the rule can ask for."""
    return max((level or 1 for one in made for level in (one.level, *(step.level for step in one.raises))), default=1)


def promise(old: Policies | None, new: Policies, kind: Kind, it: Stamped) -> str | None:
    """The key of what is promised under ``new``: of its rule or its kind, unless the task has a promise of its own."""
    was = old.kinds.get(it.kind) if old is not None else None
    if old is None or was is None:
        return it.sla if it.sla in new.sla else kind.sla
    before = [one.sla or was.sla for one in _templates(old, it)]
    now = [one.sla or kind.sla for one in _templates(new, it)]
    if it.sla in before:
        place = before.index(it.sla)
        return now[place] if place < len(now) else kind.sla
    return kind.sla if it.sla == was.sla else it.sla
