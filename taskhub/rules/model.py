"""What rules ask for. Pure: nothing here has happened yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from taskhub.events.model import RecordRef, Version
from taskhub.policy.work import ChecklistItem

MAX_DEPTH = 5
COMPLETED = "task.completed"


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task to be made, at most once per ``origin`` (unique key in the store).

    ``record`` is the record the work is about, ``file`` groups the tasks of one conversion ("deal:D1", else "lead:L1";
    ``waits_for`` looks inside it). ``version`` is the version of the causing change: closings hit older drafts only.
    ``excluded`` holds agents who may not do it, named as the sender names owners; ``not_by`` is the rule's own wording
    for those the store has to look up ("completer" is already in ``excluded`` when the completer is known, and stands
    by key in ``completer``). ``checks`` is the task it is a second look at.
    """

    rule: str
    number: int
    origin: str
    kind: str
    title: str
    version: Version
    priority: str = "normal"
    level: int = 1
    requires: Mapping[str, Any] = field(default_factory=dict)
    checklist: tuple[ChecklistItem, ...] = ()
    sla: str | None = None
    sla_from: str = "ready_at"
    delay: timedelta | None = None
    waits_for: tuple[str, ...] = ()
    not_by: str | None = None
    excluded: tuple[str, ...] = ()
    blocking: bool = False
    record: RecordRef | None = None
    file: str | None = None
    lead: str | None = None
    deal: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    depth: int = 0
    completer: str | None = None
    checks: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Acts on tasks of ``record`` that older changes made: ``verb`` is close, complete or wake; "*" in kinds means all.

    Close and complete are remembered per record, so that a draft of an older change which comes later ends at once.
    """

    verb: str
    record: RecordRef
    kinds: tuple[str, ...]
    version: Version
    rule: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Look at ``record`` for ``rule`` at ``due_at``: a reason to look, not a decision."""

    rule: str
    record: RecordRef
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one event (or completion, or timer) asks for. ``matched`` names the rules that fired, in file order.

    ``reason`` says why nothing was asked for: "no_rule", "too_deep", or what the changes said.
    """

    drafts: tuple[TaskDraft, ...] = ()
    closings: tuple[Effect, ...] = ()
    completions: tuple[Effect, ...] = ()
    wakes: tuple[Effect, ...] = ()
    watch: tuple[Watch, ...] = ()
    matched: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A completed task, as far as rules may know it. ``depth`` counts the chained rules behind it (0 = an event).

    ``version`` is that of the change behind it; None: somebody made it by hand.
    ``learning``: its person is learning this kind, all of it is checked. ``is_check``: it was a second look itself.
    """

    id: str
    kind: str
    completed_at: datetime
    completed_by: str | None = None
    outcome: str | None = None
    priority: str = "normal"
    level: int = 1
    record: RecordRef | None = None
    lead: str | None = None
    deal: str | None = None
    file: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0
    version: Version | None = None
    learning: bool = False
    is_check: bool = False


@dataclass(frozen=True, slots=True)
class TimerCheck:
    """What a timer finds: ``due`` since ``at``, else to be looked at again at ``at``, or (None) no longer watched."""

    due: bool
    at: datetime | None = None
