"""Task, lease and what it takes to make a task. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from taskhub.policy.work import ChecklistItem

BLOCKED, QUEUED, ASSIGNED, IN_PROGRESS, PAUSED, COMPLETED, CANCELLED = (
    "blocked", "queued", "assigned", "in_progress", "paused", "completed", "cancelled",
)  # fmt: skip
STATES = (BLOCKED, QUEUED, ASSIGNED, IN_PROGRESS, PAUSED, COMPLETED, CANCELLED)
OPEN = (BLOCKED, QUEUED, ASSIGNED, IN_PROGRESS, PAUSED)
GIVEN = (ASSIGNED, IN_PROGRESS, PAUSED)
RIGHT, WRONG = "right", "wrong"
VERDICTS = (RIGHT, WRONG)
UNGIVEN = (BLOCKED, QUEUED)
SET_ASIDE = "set_aside"
AWAY = "away"


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the task table; instants are aware UTC, ``minutes`` the kind's expected minutes from the file."""

    id: str
    kind: str
    title: str
    queue: str
    shape: str
    state: str
    priority: int
    level: int
    weight: float
    minutes: float
    requires: Mapping[str, Any]
    agent: str | None
    pinned: bool
    given_at: datetime | None
    record: str | None
    file: str | None
    lead: str | None
    deal: str | None
    event: str | None
    rule: str | None
    parent: str | None
    checks: str | None
    blocking: bool | None
    customer: str | None
    depth: int
    origin: str | None
    version_at: datetime | None
    version_tie: str | None
    waits_for: list[str]
    blocked_by: list[str]
    blocked_until: datetime | None
    created_at: datetime
    occurred_at: datetime | None
    ready_at: datetime | None
    start_by: datetime | None
    due_at: datetime | None
    explicit_due: bool
    sla: str | None
    sla_state: str | None
    paused_reason: str | None
    paused_until: datetime | None
    paused_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    completed_by: str | None
    outcome: str | None
    note: str | None
    checklist: list[dict[str, Any]]
    data: Mapping[str, Any]
    extra_teams: list[str]
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    policy_hash: str
    waiting_reasons: list[str] | None
    seq: int
    version: int
    ladder_from: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Neither completed nor cancelled."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of holding a started task: writes without the current ``token`` are refused."""

    task: str
    agent: str
    token: int
    expires_at: datetime


class Remembered(NamedTuple):
    """A closing or completion: which kinds of ``record`` it ends, and the version of its change."""

    record: str
    verb: str
    kinds: list[str]
    reason: str | None
    version_at: datetime
    version_tie: str


class Cause(NamedTuple):
    """What work came of: events about a lead or ``records`` (noun:id), everything about a deal, one task by hand."""

    events: tuple[str, ...]
    lead: str
    deal: str | None
    records: tuple[str, ...]
    task: str | None


@dataclass(frozen=True, slots=True)
class NewTask:
    """What makes a task, by a rule or by hand. ``origin`` names the one effect; the same origin never acts twice.

    ``version`` orders the causing change among those of its record. ``excluded`` maps agent to reason code.
    """

    kind: str
    title: str
    priority: int = 1
    queue: str | None = None
    level: int | None = None
    requires: Mapping[str, Any] = field(default_factory=dict)
    sla: str | None = None
    sla_from: str = "ready_at"
    delay: timedelta | None = None
    waits_for: tuple[str, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    record: str | None = None
    file: str | None = None
    lead: str | None = None
    deal: str | None = None
    event: str | None = None
    rule: str | None = None
    parent: str | None = None
    checks: str | None = None  # the task it is a second look at; ``blocking``: what follows from that one waits
    blocking: bool = False
    customer: str | None = None
    depth: int = 0
    origin: str | None = None
    version: tuple[datetime, str] | None = None
    occurred_at: datetime | None = None
    due_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    checklist: tuple[ChecklistItem, ...] | None = None
    not_by: str | None = None
    ends_as: tuple[str, str | None] | None = None  # a remembered closing that hits it: ("complete" | "close", reason)
    # Work that was somewhere else before: since when it has been waiting, until when it is held back, what is done.
    since: datetime | None = None
    blocked_until: datetime | None = None
    note: str | None = None
    ticked: Mapping[int, str] = field(default_factory=dict)  # number of item → "x" done, "-" not applicable
