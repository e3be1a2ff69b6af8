"""What a decision sees and what it answers: plain facts in, plain decisions out.

Every fact is a value read before the decision, ``now`` included, so that the same snapshot gives the same answer for
ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskhub.agents.availability import Weekly
from taskhub.agents.capacity import DEFAULT_CAPACITY
from taskhub.tasks.shape import Shape

ENGINE_VERSION = "1"

Instant = datetime
Score = tuple[float, ...]
Excluded = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Loan:
    """A person lent to a queue for a time: pool membership that ends by itself."""

    queue: str
    since: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One person as a decision sees them.

    ``held`` counts against ``capacity``: assigned and in progress, and paused where the task's queue says so. ``load``
    is the weight of all open work over all queues, paused included. ``absences`` are (from, until), until None = open
    end. ``held_minutes`` counts against ``capacity_minutes`` where that unit is used. ``ramp_share`` of the capacity
    is given until ``ramp_until``. ``front_line_waiting``: a front-line task they could do waits; ``share_served``: the
    part of today's shift already given to back-office work. ``minutes_by_kind`` are learnt, per kind, for this person;
    ``load_minutes`` is their open work in such minutes. ``kinds_today``: given today by kind. ``ledger``: what they
    were given in the last quarter (minutes, hard, late, duty), ``credit`` the part of its full-time hours they were
    there. ``idle_since``: when they last finished something.
    """

    key: str
    team: str
    name: str = ""
    active: bool = True
    skills: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    capacity: float = DEFAULT_CAPACITY
    held: int = 0
    capacity_minutes: float | None = None
    held_minutes: float = 0.0
    queue_caps: Mapping[str, float] = field(default_factory=dict)
    held_by_queue: Mapping[str, int] = field(default_factory=dict)
    load: float = 0.0
    given_today: int = 0
    presence: str = "available"  # available | busy | away | offline
    presence_until: Instant | None = None
    time_zone: str = "UTC"
    shifts: Weekly = ()
    absences: tuple[tuple[Instant, Instant | None], ...] = ()
    loans: tuple[Loan, ...] = ()
    ramp_until: Instant | None = None
    ramp_share: float = 1.0
    front_line_waiting: bool = False
    share_served: float = 0.0
    idle_since: Instant | None = None
    load_minutes: float = 0.0
    minutes_by_kind: Mapping[str, float] = field(default_factory=dict)
    kinds_today: Mapping[str, int] = field(default_factory=dict)
    ledger: Mapping[str, float] = field(default_factory=dict)
    credit: float = 1.0


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One waiting task. ``excluded`` maps an agent to why not them: declined, conflict_of_interest or not_by.

    ``served_by``: who last completed work for the same customer; ``ready_at``: since when it waits.
    """

    id: str
    shape: Shape
    start_by: Instant
    created_at: Instant
    weight: float = 1.0
    minutes: float = 15.0
    due_at: Instant | None = None
    excluded: Excluded = field(default_factory=dict)
    served_by: str | None = None
    ready_at: Instant | None = None

    @property
    def queue(self) -> str:
        """Where it waits."""
        return self.shape.queue

    @property
    def kind(self) -> str:
        """What sort of task."""
        return self.shape.kind


@dataclass(frozen=True, slots=True)
class PoolState:
    """What a worker found for a model that looks beyond the person: is its pool open, and who is in it, if it lists.

    ``kinds``: member -> the kinds they are there for; a member without an entry is there for all.
    """

    version: int = 0
    open: bool = True
    members: frozenset[str] | None = None
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How a queue is served now: model and strategy with resolved parameters and the versions that decide.

    A pass gives nothing of a ``pull`` queue away: it says whether anybody may take a task, and why not. ``ceilings``:
    kind -> how many of it one person is given in a day. ``missing``: plug-ins that are not installed, for which model
    or strategy stand in.
    """

    key: str
    teams: tuple[str, ...]
    model: str = "dedicated"
    model_version: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    strategy: str = "least_loaded"
    strategy_version: str = ""
    strategy_params: Mapping[str, Any] = field(default_factory=dict)
    rotation: str = ""
    pull: bool = False
    paused: bool = False
    pool_state: PoolState | None = None
    ceilings: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def turn_key(self) -> str:
        """The rotation whose turn is kept."""
        return self.rotation or self.key


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one pass sees. ``turns``: rotation -> agent -> sequence number, the smallest is next."""

    now: Instant
    queues: Mapping[str, QueueFacts]
    agents: tuple[AgentFacts, ...]
    tasks: tuple[TaskFacts, ...] = ()
    turns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    policy_hash: str = ""
    engine_version: str = ENGINE_VERSION


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person seen for one task: why not them (``reasons``), or at which rank (1 = chosen) with which score.

    ``tie`` names the part of the score that set them apart from the person ranked next.
    """

    agent: str
    eligible: bool
    reasons: tuple[str, ...] = ()
    rank: int | None = None
    score: Score = ()
    tie: str = ""


@dataclass(frozen=True, slots=True)
class Assigned:
    """This person gets this task. ``tie`` names the part of the score that decided (``only`` = nobody else could)."""

    task: str
    agent: str
    score: Score
    tie: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nobody may take it now. ``reasons`` is sorted and free of doubles: equal tuples mean nothing new."""

    task: str
    reasons: tuple[str, ...]


Decision = Assigned | Waiting


@dataclass(frozen=True, slots=True)
class PassResult:
    """Decisions in the order they were taken, and the turns that changed (newcomers included) to be written back."""

    decisions: tuple[Decision, ...]
    turns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
