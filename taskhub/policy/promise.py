"""SLA policies, pause reasons and escalation ladders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from taskhub.calendars.targets import Target
from taskhub.policy.text import LocalText

SOONEST_AGAIN = timedelta(minutes=5)
"""The shortest time after which the same may be said again, by a step or by a reminder."""


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


WAITING_REP = "waiting_rep"
"""Why a task waits while a question about it is open: a reason of taskhub's own, which files may describe anew."""
REP = "rep"
"""Whoever has that question, as an addressee of its reminder."""
_WORDS = LocalText("Waiting for the sales rep", {"fr": "En attente du commercial"})
ASKING = PauseReason(
    WAITING_REP, _WORDS, stops_clock=False, max_for=timedelta(days=3), remind=Remind(timedelta(days=1), (REP,))
)


COMPLETION, FIRST_START = "completion", "first_start"
TARGETS = (COMPLETION, FIRST_START)


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. Exactly one of ``at_fraction`` (of the target, > 0), ``overdue_for`` and ``paused_for`` is set.

    ``target`` names the promise that it is about, one of TARGETS; a step by ``paused_for`` is about none.
    ``notify`` holds addressees ("agent", "leader", "manager", "role:manager", "agent:KEY", "team:KEY", "url:…");
    ``raise_priority`` is a number of steps, ``reassign`` returns the task to its queue or hands it to "leader",
    ``widen`` names teams that may take the task from now on although its queue does not name them. What a step with
    ``quiet_hours`` False says is urgent: it leaves at once, at any hour.
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
    quiet_hours: bool = True
    target: str = COMPLETION


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """A ladder of steps, in the order in which they fall due."""

    key: str
    steps: tuple[Step, ...]


Weekly = tuple[tuple[str, tuple[str, ...]], ...]
URGENT, LATE = "urgent", "late"
SEVERITIES = (URGENT, LATE, "info")
AT_ONCE, DIGEST, LIST = "at_once", "digest", "list"
WAYS = (AT_ONCE, DIGEST, LIST)
# Services whose address names no host of its own: nobody can point taskhub at a machine of this network.
HOSTED = ("discord", "gchat", "line", "pbul", "pover", "prowl", "slack", "tgram", "threema", "wxteams")


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """How people are told unless they say otherwise.

    ``quiet_hours`` are weekly openings in the reader's own zone; ``at_once`` names severities, the others come in
    digests; more than ``bundle`` messages in ``bundle_within`` become one; ``personal_channels`` are the Apprise
    services a person may have notices sent to.
    """

    quiet_hours: Weekly = ()
    digest_every: timedelta = timedelta(hours=1)
    at_once: tuple[str, ...] = (URGENT,)
    bundle: int = 5
    bundle_within: timedelta = timedelta(minutes=5)
    personal_channels: tuple[str, ...] = HOSTED
