"""SLA policies, pause reasons and escalation ladders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from taskhub.calendars.targets import Target
from taskhub.policy.text import LocalText


@dataclass(frozen=True, slots=True)
class SlaPolicy:
    """What is promised. ``targets`` maps completion / first_start to a Target; warn fractions lie in (0, 1)."""

    key: str
    completion: Target
    first_start: Target | None = None
    warn_at: tuple[float, ...] = (0.75,)
    escalation: str | None = None
    sla_from: str = "ready_at"


@dataclass(frozen=True, slots=True)
class Remind:
    """How often paused work is called to mind (wall time), and to whom: addressees as in a ladder's ``notify``."""

    every: timedelta
    who: tuple[str, ...] = ("agent",)


@dataclass(frozen=True, slots=True)
class PauseReason:
    """Why a task waits with its person. ``max_for`` is the longest pause; both it and ``remind`` are wall time."""

    key: str
    name: LocalText
    stops_clock: bool
    max_for: timedelta | None = None
    remind: Remind | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. Exactly one of ``at_fraction`` (of the target, > 0), ``overdue_for`` and ``paused_for`` is set.

    ``notify`` holds addressees ("agent", "leader", "manager", "role:manager", "agent:KEY", "team:KEY", "url:…");
    ``raise_priority`` is a number of steps, ``reassign`` returns the task to its queue or hands it to "leader",
    ``widen`` names teams that may take the task from now on although its queue does not name them.
    """

    at_fraction: float | None = None
    overdue_for: timedelta | None = None
    paused_for: timedelta | None = None
    business_time: bool = True
    notify: tuple[str, ...] = ()
    raise_priority: int = 0
    reassign: str | None = None  # queue | leader
    repeat_every: timedelta | None = None
    widen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """A ladder of steps, in the order in which they fall due."""

    key: str
    steps: tuple[Step, ...]
