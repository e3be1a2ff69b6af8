"""What clients send, as the OpenAPI page shows it. Meaning is checked by the services."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from taskhub.http.inputs import Body, Instant, KeyText, Line, Prose, Token, Version
from taskhub.policy.work import PRIORITIES
from taskhub.tasks.model import NewTask

PauseSpan = Annotated[
    tuple[Instant, Instant | None], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
]
Pauses = Annotated[list[PauseSpan], Field(max_length=1000, default_factory=list)]
TaskState = Literal["blocked", "queued", "assigned", "in_progress", "paused", "completed", "cancelled"]
Priority = Literal["low", "normal", "high", "urgent"]
Ref = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Table = Annotated[dict[str, Any], Field(max_length=200)]
OwnTable = Annotated[dict[str, Any], Field(max_length=200, default_factory=dict)]


class Because(Body):
    """A reason people will read."""

    reason: Line


class TeamPatch(Body):
    """Fields of a team; what is left out stays."""

    name: Line | None = None
    kind: Literal["specialist", "front_line"] | None = None
    leader: KeyText | None = None
    managers: list[KeyText] | None = None
    department: KeyText | None = None
    version: Version | None = None


class TeamIn(Body):
    """A new team."""

    key: str
    name: str
    kind: str
    leader: KeyText | None = None
    managers: Annotated[list[KeyText], Field(default_factory=list)]
    department: KeyText | None = None


class AgentPatch(Body):
    """Fields of a person; what is left out stays."""

    name: str | None = None
    email: str | None = None
    team: str | None = None
    roles: list[str] | None = None
    skills: dict[str, int] | None = None
    attributes: Table | None = None
    capacity: Number | None = None
    time_zone: str | None = None
    shifts: dict[str, list[str]] | None = None
    language: str | None = None
    stand_in: str | None = None
    external_ids: dict[str, str] | None = None
    hours_per_week: Number | None = None
    cost_per_hour: Number | None = None
    capacity_minutes: Number | None = None
    queue_caps: Annotated[dict[str, int], Field(max_length=200)] | None = None
    learning: list[str] | None = None
    active: bool | None = None
    version: Version | None = None


class AgentIn(AgentPatch):
    """A new person; presence starts offline."""

    key: str
    name: str
    team: str


class PresenceIn(Body):
    """``until``: after it an absent person counts as available again."""

    status: Literal["available", "busy", "away", "offline"]
    until: Instant | None = None


class AbsenceIn(Body):
    """A planned time away, up to but not including ``until``.

    ``ramp_for``: how long after it only half of the capacity is used, such as "4h"; "0" for not at all.
    """

    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    reason: Line | None = None
    ramp_for: Annotated[str, Field(max_length=40)] | None = None


class LeaveTo(Body):
    """Who takes over what is begun."""

    agent: KeyText


class LeaveIn(Body):
    """``to``: without it everything waits in its queue. ``note`` is added to every task that moves."""

    to: LeaveTo | None = None
    note: Prose | None = None

    @property
    def colleague(self) -> str | None:
        """The key of who takes over."""
        return self.to.agent if self.to else None


class KeyIn(Body):
    """A new API key of a person."""

    name: Line = "API key"
    role: str | None = None
    expires_at: Instant | None = None


class TaskFilter(BaseModel):
    """What to list."""

    state: TaskState | None = None
    queue: Ref | None = None
    agent: Ref | None = None
    kind: Ref | None = None
    lead: Ref | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


class TaskIn(Body):
    """A task made by hand."""

    kind: str
    title: Line
    priority: Priority = "normal"
    lead: Ref | None = None
    deal: Ref | None = None
    due_at: Instant | None = None
    data: OwnTable
    queue: str | None = None

    def new(self, origin: str) -> NewTask:
        """The same as the tasks room wants it."""
        record = f"deal:{self.deal}" if self.deal else f"lead:{self.lead}" if self.lead else None
        return NewTask(
            kind=self.kind, title=self.title, priority=PRIORITIES.index(self.priority), queue=self.queue,
            record=record, lead=self.lead, deal=self.deal, origin=origin, due_at=self.due_at, data=self.data,
        )  # fmt: skip


class Mark(Body):
    """What became of one checklist item. The item may be sent back as it was read; its other fields are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True)

    item: Annotated[int, Field(ge=0, le=1000)]
    done: bool = False
    not_applicable: Line | None = None
    value: Prose | Number | bool | None = None


class TaskPatch(Body):
    """``version`` is the one that was read."""

    version: Version
    checklist: Annotated[list[Mark], Field(max_length=200, default_factory=list)]
    note: Prose | None = None
    priority: Priority = "normal"
    data: OwnTable
    due_at: Instant | None = None


class Call(Body):
    """``version``: refuse when the task has changed since."""

    version: Version | None = None


class Held(Call):
    """``lease_token`` proves who holds a started task."""

    lease_token: Token | None = None


class Renew(Body):
    """The proof of holding the task."""

    lease_token: Token


class ClaimOne(Call):
    """Why this very task."""

    reason: Line | None = None


class Reasoned(Held):
    """A reason people will read."""

    reason: Line


class Pause(Reasoned):
    """``reason`` is a key of the pause reasons."""

    until: Instant | None = None


class Complete(Held):
    """What came of it."""

    outcome: Line | None = None
    note: Prose | None = None
    data: Table | None = None


class To(Body):
    """Who gets it."""

    agent: KeyText


class HandOver(Held):
    """To whom, and what they should know."""

    to: To
    note: Prose | None = None


class ChangeKind(Reasoned):
    """Which kind it really is."""

    kind: str


class Cancel(Call):
    """Why it is no longer needed."""

    reason: Line


class Reopen(Call):
    """What was wrong."""

    reason: Line | None = None


class Assign(Call):
    """Who gets it."""

    agent: KeyText


class PreviewIn(Body):
    """``calendar`` is a key or a calendar object; a pause without an end is still open."""

    calendar: str | dict[str, Any]
    start: Instant
    budget_s: Annotated[Number, Field(ge=0, le=100_000_000)]
    pauses: Pauses


class ElapsedIn(Body):
    """The open time between two instants."""

    calendar: str | dict[str, Any]
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    pauses: Pauses
