"""The SLA clock of one task and one target, and what happens to it. Everything it shows is derived: see times.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Literal, NamedTuple

from taskhub.calendars import BusinessTime, PauseSpan, Spliced, Target

Name = Literal["completion", "first_start"]
Fall = Literal["warned", "breached"]

DEFAULT_WARN = (0.75,)


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch the task spent with its person, without being worked on. `ends_at` None: still so.

    `reason` is a key of the pause reasons, `by` who paused it; `stops_clock` False (set aside) lets time run on.
    """

    starts_at: datetime
    ends_at: datetime | None
    reason: str
    by: str
    stops_clock: bool = True


class Lap(NamedTuple):
    """Until that instant the clock ran by another calendar: what was counted by it stays counted."""

    until: datetime
    calendar: BusinessTime


@dataclass(frozen=True, slots=True)
class SlaClock:
    """One promise. Instants are aware; `warn` are fractions of the target, each in (0, 1).

    `explicit_due_at` replaces the target: a date somebody gave, which no pause moves. `warned_at` and `breached_at`
    are the latest such falls on record; `met_at` is when the work was done (or started, for `first_start`). `laps` in
    order are the calendars it ran by before the one in force.
    """

    name: Name
    target: Target | None
    ready_at: datetime
    explicit_due_at: datetime | None = None
    warn: tuple[float, ...] = DEFAULT_WARN
    pauses: tuple[Pause, ...] = ()
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None
    laps: tuple[Lap, ...] = ()

    def __post_init__(self) -> None:
        if self.target is None and self.explicit_due_at is None:
            raise ValueError("a clock needs a target or an explicit due time")
        if not all(0 < fraction < 1 for fraction in self.warn):
            raise ValueError(f"warn fractions lie between 0 and 1: {self.warn}")


def in_force(laps: Sequence[Lap], calendar: BusinessTime) -> BusinessTime:
    """`calendar` from now on, and what the clock ran by before it."""
    return reduce(lambda later, lap: Spliced(lap.calendar, lap.until, later), reversed(laps), calendar)


def pause(clock: SlaClock, at: datetime, reason: str, by: str, *, stops_clock: bool) -> SlaClock:
    """The clock with a pause opened at `at`; one still open ends there."""
    waiting = Pause(at, None, reason, by, stops_clock)
    return replace(clock, pauses=(*resume(clock, at).pauses, waiting))


def resume(clock: SlaClock, at: datetime) -> SlaClock:
    """The clock with its open pause, if any, ended at `at`."""
    ended = (replace(one, ends_at=max(at, one.starts_at)) if one.ends_at is None else one for one in clock.pauses)
    return replace(clock, pauses=tuple(ended))


def meet(clock: SlaClock, at: datetime) -> SlaClock:
    """The clock of work done at `at`; nothing falls due any more."""
    return replace(resume(clock, at), met_at=at)


def record(clock: SlaClock, fall: Fall, at: datetime) -> SlaClock:
    """The clock with a warning or breach of that instant on record, so that it does not fall due again."""
    return replace(clock, warned_at=at) if fall == "warned" else replace(clock, breached_at=at)


def retarget(
    clock: SlaClock,
    target: Target | None,
    *,
    explicit_due_at: datetime | None = None,
    warn: tuple[float, ...] | None = None,
) -> SlaClock:
    """The clock under another target, after a change of priority, kind or policy.

    It keeps its start and its pauses, hence the time already counted and the time the pauses earned. What is on record
    stays: only a warning or breach later than that falls due again.
    """
    return replace(clock, target=target, explicit_due_at=explicit_due_at, warn=clock.warn if warn is None else warn)


def stopping(clock: SlaClock) -> list[PauseSpan]:
    """The stretches in which the clock stands still, (from, to or None), in order and united.

    Being done ends an open one. An explicit due time is never stopped.
    """
    if clock.explicit_due_at is not None:
        return []
    united: list[PauseSpan] = []
    for one in sorted((one for one in clock.pauses if one.stops_clock), key=lambda one: one.starts_at):
        begin, end = one.starts_at, one.ends_at or (clock.met_at and max(clock.met_at, one.starts_at))
        if end is not None and end <= begin:
            continue
        if united and (united[-1][1] is None or begin <= united[-1][1]):
            begin, last = united.pop()
            end = None if last is None or end is None else max(last, end)
        united.append((begin, end))
    return united
