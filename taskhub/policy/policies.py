"""The whole accepted set, resolved: what a transaction sees as ``tx.policies``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from taskhub.calendars import BusinessCalendar
from taskhub.errors import Problem
from taskhub.policy.duplicates import DuplicatePolicy
from taskhub.policy.promise import EscalationPolicy, NoticePolicy, PauseReason, SlaPolicy
from taskhub.policy.rule import Rule
from taskhub.policy.sending import Sending
from taskhub.policy.text import LocalText
from taskhub.policy.work import Kind, Queue


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of one pipeline, named and explained. A record that stays longer than ``expected_days`` rots."""

    key: str
    name: LocalText
    meaning: LocalText | None = None
    guidance: LocalText | None = None
    key_fields: tuple[str, ...] = ()
    required_fields: tuple[str, ...] = ()
    expected_days: float | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A path of stages for ``noun`` (lead or deal).

    ``follow_up`` is the kind of task a rep asks for without naming one; a lead without ``required_to_convert`` is not
    converted.
    """

    key: str
    name: LocalText
    noun: str
    stages: tuple[Stage, ...]
    lost_reasons: tuple[str, ...] = ()
    currency: str | None = None
    lost_reason_names: Mapping[str, LocalText] = field(default_factory=dict)
    follow_up: str | None = None
    required_to_convert: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What taskhub writes into a CRM. ``tasks``: off, done (only what was done) or assigned (what somebody has, too).

    ``acts``: conversions and losses of its records are asked for here; ``link``: where people reach taskhub.
    """

    tasks: str = "off"
    acts: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What one field of a CRM offers to choose from: their id → label. ``many``: several may be chosen at once."""

    many: bool
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """One CRM connection. ``secrets`` are names of environment variables or files, never the secrets themselves.

    ``poll``: how often taskhub looks by itself, zero for never. ``renew_webhooks``: whether it makes what is missing.
    ``send``: what is told there as signed events, None for nothing.
    ``fields``: noun → our field → theirs; ``stages``: noun → their stage id → our key; ``users``: their id → agent.
    ``options`` nobody writes: looks learn them (noun → their field → what it offers, None where nothing is chosen);
    ``asked_options``: noun → when they were asked last, also in vain. ``reason_names``: noun → lost reason of a path →
    what it is called here.
    """

    key: str
    system: str  # pipedrive | salesforce | dynamics | hubspot | standard_webhooks
    name: LocalText
    secrets: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stages: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    poll: timedelta = timedelta(minutes=15)
    renew_webhooks: bool = True
    write_back: WriteBack = WriteBack()
    send: Sending | None = None
    options: Mapping[str, Mapping[str, Options | None]] = field(default_factory=dict, compare=False)
    asked_options: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    reason_names: Mapping[str, Mapping[str, LocalText]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Policies:
    """An accepted policy set. ``hash`` names its texts and its resolved form; equal hash means equal behaviour."""

    hash: str
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    sla: Mapping[str, SlaPolicy] = field(default_factory=dict)
    pause_reasons: Mapping[str, PauseReason] = field(default_factory=dict)
    skip_reasons: tuple[str, ...] = ()
    calendars: Mapping[str, BusinessCalendar] = field(default_factory=dict)
    escalations: Mapping[str, EscalationPolicy] = field(default_factory=dict)
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    max_paused: int = 30
    resolved: Mapping[str, Any] = field(default_factory=dict)
    skip_reason_names: Mapping[str, LocalText] = field(default_factory=dict)
    notices: NoticePolicy = field(default_factory=NoticePolicy)
    duplicates: DuplicatePolicy = field(default_factory=DuplicatePolicy)
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    awaited: frozenset[str] = field(init=False, compare=False, default=frozenset())
    mirrored: frozenset[str] = field(init=False, compare=False, default=frozenset())
    sending: tuple[Connection, ...] = field(init=False, compare=False, default=())

    def __post_init__(self) -> None:
        """``awaited``: kinds that other work of their file may wait for; ``mirrored``: who shows our tasks.

        ``sending``: who is told of things as signed events.
        """
        drafts = [draft for rule in self.rules for draft in rule.tasks]
        object.__setattr__(self, "awaited", frozenset(kind for draft in drafts for kind in draft.waits_for))
        shown = frozenset(key for key, one in self.connections.items() if one.write_back.tasks != "off")
        object.__setattr__(self, "mirrored", shown)
        told = tuple(one for one in self.connections.values() if one.send is not None)
        object.__setattr__(self, "sending", told)

    @property
    def teams(self) -> tuple[str, ...]:
        """Every team a queue or an escalation step names, sorted: made on activation when missing."""
        named = {team for queue in self.queues.values() for team in queue.teams}
        steps = [step for ladder in self.escalations.values() for step in ladder.steps]
        named.update(team for step in steps for team in step.widen)
        told = {to for step in steps for to in step.notify}
        told.update(to for one in self.pause_reasons.values() if one.remind for to in one.remind.who)
        named.update(to.removeprefix("team:") for to in told if to.startswith("team:"))
        return tuple(sorted(named))

    def kinds_of(self, queue: str) -> tuple[Kind, ...]:
        """The kinds whose tasks wait in ``queue``, in file order."""
        return tuple(kind for kind in self.kinds.values() if kind.queue == queue)

    def rules_on(self, event_type: str) -> tuple[Rule, ...]:
        """The rules that listen to ``event_type``, in file order."""
        return tuple(rule for rule in self.rules if event_type in rule.on)

    def stage(self, noun: str, key: str, pipeline: str | None = None) -> Stage | None:
        """The stage ``key`` of ``pipeline``, or of the first pipeline of ``noun`` that has it."""
        found = (
            stage
            for line in self.pipelines.values()
            if line.noun == noun and pipeline in (None, line.key)
            for stage in line.stages
            if stage.key == key
        )
        return next(found, None)

    def calendar_of(self, queue: str) -> BusinessCalendar:
        """The calendar in whose business time ``queue`` works."""
        return self.calendars[self.queues[queue].calendar]

    def calendar_for(self, rule: Rule) -> BusinessCalendar | None:
        """Whose days ``rule`` means: its own calendar, else that of the first kind's queue it names, else the first."""
        named = (*(made.kind for made in rule.tasks), *rule.wake, *rule.complete, *rule.close)
        queues = (self.queues.get(self.kinds[kind].queue) for kind in named if kind in self.kinds)
        keys = (rule.calendar, *(queue.calendar for queue in queues if queue is not None))
        found = next((key for key in keys if key is not None and key in self.calendars), None)
        return self.calendars[found] if found is not None else next(iter(self.calendars.values()), None)

    def zone_for(self, rule: Rule) -> tzinfo:
        """The zone in which dates begin for ``rule``."""
        calendar = self.calendar_for(rule)
        return UTC if calendar is None else calendar.hours.zone

    def minutes_of(self, kind: str) -> timedelta:
        """The kind's expected minutes from the file."""
        return timedelta(minutes=self.kinds[kind].expected_minutes)
