"""What a clock shows at an instant, and what falls due when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from taskhub.calendars import BusinessTime, OpenTime, due_after, open_time
from taskhub.sla.clock import Fall, SlaClock, in_force, stopping
from taskhub.sla.targets import due, postpone, promised

State = Literal["on_track", "at_risk", "breached", "paused", "met", "met_late"]


def due_at(clock: SlaClock, calendar: BusinessTime) -> datetime | None:
    """When the promise is due; None while a pause without end holds it."""
    if clock.explicit_due_at is not None or clock.target is None:
        return clock.explicit_due_at
    return due(clock.target, in_force(clock.laps, calendar), clock.ready_at, stopping(clock))


def at_fraction(clock: SlaClock, calendar: BusinessTime, fraction: float) -> datetime | None:
    """When `fraction` (> 0, may exceed 1) of the promised open time has been used up; None while a pause holds it.

    A promise that contains no open time at all is divided by real time instead.
    """
    if fraction == 1:
        return due_at(clock, calendar)
    calendar = in_force(clock.laps, calendar)
    end, budget = _promise(clock, calendar)
    if budget:
        return due_after(calendar, clock.ready_at, budget * fraction, stopping(clock))
    moment = clock.ready_at + max(end - clock.ready_at, timedelta()) * fraction
    return postpone(calendar, clock.ready_at, moment, stopping(clock))


def warn_times(clock: SlaClock, calendar: BusinessTime) -> tuple[datetime, ...]:
    """The instants of all warnings before the due time, in order; those a pause holds back are missing."""
    limit = due_at(clock, calendar)
    moments = (at_fraction(clock, calendar, fraction) for fraction in clock.warn)
    return tuple(sorted({at for at in moments if at is not None and (limit is None or at < limit)}))


def warn_at(clock: SlaClock, calendar: BusinessTime) -> datetime | None:
    """The first warning: from then on the task is at risk."""
    return next(iter(warn_times(clock, calendar)), None)


def next_look(clock: SlaClock, calendar: BusinessTime) -> datetime | None:
    """The earliest instant at which something not yet on record falls due; None: no timer needed."""
    return next((at for _, at in _unrecorded(clock, calendar)), None)


def falls_due(clock: SlaClock, calendar: BusinessTime, now: datetime) -> tuple[tuple[Fall, datetime], ...]:
    """Warnings and the breach due by `now` and not on record, in the order in which they fell due."""
    return tuple((fall, at) for fall, at in _unrecorded(clock, calendar) if at <= now)


def state(clock: SlaClock, calendar: BusinessTime, now: datetime) -> State:
    """The word shown for the clock at `now`. Done exactly at the due time is met; open at that time is breached."""
    limit = due_at(clock, calendar)
    if clock.met_at is not None and clock.met_at <= now:
        return "met_late" if limit is not None and clock.met_at > limit else "met"
    if limit is not None and limit <= now:
        return "breached"
    if any(begin <= now and (end is None or now < end) for begin, end in stopping(clock)):
        return "paused"
    warning = warn_at(clock, calendar)
    return "at_risk" if warning is not None and warning <= now else "on_track"


def at_a_glance(
    due_at: datetime | None, warn_at: datetime | None, met_at: datetime | None, now: datetime | None
) -> State:
    """What `state` says, from the instants that are stored of a clock; `now` None: it ended nobody knows when."""
    if met_at is not None:
        return "met_late" if due_at is not None and met_at > due_at else "met"
    if due_at is None:
        return "paused"
    if now is not None and due_at <= now:
        return "breached"
    return "at_risk" if now is not None and warn_at is not None and warn_at <= now else "on_track"


def remaining(clock: SlaClock, calendar: BusinessTime, now: datetime) -> timedelta:
    """Open, unpaused time left until due; negative once overdue; standing still in a pause and when done."""
    pauses = stopping(clock)
    limit, seen = due_at(clock, calendar), _seen(clock, now)
    calendar = in_force(clock.laps, calendar)
    if limit is None and clock.target is not None:
        held_from = max(pauses.pop()[0], clock.ready_at)
        limit, seen = due(clock.target, calendar, clock.ready_at, pauses), min(seen, held_from)
    if limit is None:
        raise ValueError("a clock without target has no time left to tell")
    if seen <= limit:
        return open_time(calendar, seen, limit, pauses)
    return -open_time(calendar, limit, seen, pauses)


def counted(clock: SlaClock, calendar: BusinessTime, now: datetime) -> timedelta:
    """Open time the clock has used up by `now`, pauses left out."""
    return open_time(in_force(clock.laps, calendar), clock.ready_at, _seen(clock, now), stopping(clock))


def waited(clock: SlaClock, calendar: BusinessTime, now: datetime) -> timedelta:
    """Open time as the customer feels it: pauses included."""
    return in_force(clock.laps, calendar).elapsed(clock.ready_at, _seen(clock, now))


def _seen(clock: SlaClock, now: datetime) -> datetime:
    return max(now if clock.met_at is None else min(now, clock.met_at), clock.ready_at)


def _promise(clock: SlaClock, calendar: BusinessTime) -> tuple[datetime, timedelta]:
    """The due time as if never paused, and the open time from the start to it."""
    if clock.explicit_due_at is None and isinstance(clock.target, OpenTime):
        return clock.ready_at, clock.target.budget
    end = clock.explicit_due_at
    if end is None and clock.target is not None:
        end = promised(clock.target, calendar, clock.ready_at)
    if end is None or end <= clock.ready_at:
        return clock.ready_at, timedelta()
    return end, calendar.elapsed(clock.ready_at, end)


def _unrecorded(clock: SlaClock, calendar: BusinessTime) -> list[tuple[Fall, datetime]]:
    if clock.met_at is not None:
        return []
    falls: list[tuple[Fall, datetime]] = [
        ("warned", at) for at in warn_times(clock, calendar) if clock.warned_at is None or at > clock.warned_at
    ]
    limit = due_at(clock, calendar)
    if limit is not None and (clock.breached_at is None or limit > clock.breached_at):
        falls.append(("breached", limit))
    return falls
