"""Rules: what a move of the pipeline makes people do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from taskhub.policy.text import LocalText

OPERATORS = ("eq", "in", "gte", "lt", "exists", "changed_to", "changed_from")


@dataclass(frozen=True, slots=True)
class Condition:
    """``path`` ("deal.amount") compared by ``op`` (eq in gte lt exists changed_to changed_from) with ``value``."""

    path: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Raise:
    """Raises what a task asks for when every condition in ``when`` holds: "German contract", "over 50,000"."""

    when: tuple[Condition, ...] = ()
    requires: Mapping[str, Any] = field(default_factory=dict)
    level: int | None = None


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """One task a rule makes. ``title`` may hold {field.path}; ``requires`` values may be "{lead.language}".

    ``check``: it is a second look at the completed task. None: it is when the completer must not do it, or it blocks.
    """

    kind: str
    title: str | None = None
    priority: str = "normal"
    sla: str | None = None
    delay: timedelta | None = None
    waits_for: tuple[str, ...] = ()
    requires: Mapping[str, Any] = field(default_factory=dict)
    level: int | None = None
    raises: tuple[Raise, ...] = ()
    share: float = 1.0
    not_by: str | None = None
    not_owner: bool = False
    blocking: bool = False
    check: bool | None = None

    @property
    def is_check(self) -> bool:
        """Whether it looks at the completed task again; only a rule on task.completed has one."""
        return self.blocking or self.not_by == "completer" if self.check is None else self.check


@dataclass(frozen=True, slots=True)
class Rule:
    """``on`` is an event type or task.completed; ``after``: after silence, ``before``: N days before a date field.

    ``every``: once a month, when its "first working day" opens, about no record. ``calendar`` is whose days ``every``
    and ``before`` mean; None: those of the queue its work waits in.
    """

    key: str
    on: tuple[str, ...]
    when: tuple[Condition, ...] = ()
    after: timedelta | None = None
    before_field: str | None = None
    before_by: timedelta | None = None
    every: str | None = None
    calendar: str | None = None
    tasks: tuple[TaskTemplate, ...] = ()
    wake: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    close_reason: str | None = None
    once_per: str = "change"  # change | record
    sla_from: str = "ready_at"  # ready_at | occurred_at
    name: LocalText | None = None
