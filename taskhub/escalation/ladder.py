"""Which step of a ladder falls due when. Pure: the stored clock and what has fired go in, instants come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskhub.calendars import BusinessCalendar, due_after
from taskhub.policy.policies import Policies
from taskhub.policy.promise import EscalationPolicy, Step
from taskhub.sla import SlaClock, at_fraction, due_at, stopping


@dataclass(frozen=True, slots=True)
class Fired:
    """A step on record: when it was due and when it was done, which is later after an outage."""

    due_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Rung:
    """One firing to come: ``step`` counts from 0 in the file, ``repetition`` from 0."""

    step: int
    repetition: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """The task's completion clock, its calendar, and since when the task has been paused.

    Steps that fell due up to ``ladder_from`` are passed over: somebody had acknowledged the task then.
    """

    clock: SlaClock
    calendar: BusinessCalendar
    paused_at: datetime | None = None
    ladder_from: datetime | None = None


OnRecord = Mapping[tuple[int, int], Fired]


def policy_of(policies: Policies, sla: str | None) -> EscalationPolicy | None:
    """The ladder of a task with that SLA policy, if it has one."""
    promise = policies.sla.get(sla or "")
    return policies.escalations.get(promise.escalation or "") if promise else None


def rungs(policy: EscalationPolicy, fired: OnRecord, facts: Facts) -> list[Rung]:
    """The next firing of every step that has one, in due order; a step due at the same instant keeps its place."""
    if facts.clock.met_at is not None:
        return []
    found = (_rung(index, step, fired, facts) for index, step in enumerate(policy.steps))
    return sorted((rung for rung in found if rung is not None), key=lambda rung: (rung.due_at, rung.step))


def next_step(policy: EscalationPolicy, fired: OnRecord, facts: Facts) -> Rung | None:
    """What falls due next; it may lie in the past after an outage. None: nothing as things stand."""
    return next(iter(rungs(policy, fired, facts)), None)


def due_steps(policy: EscalationPolicy, fired: OnRecord, facts: Facts, now: datetime) -> list[Rung]:
    """Everything due by ``now`` and not on record, each once however long nobody looked, in due order."""
    return [rung for rung in rungs(policy, fired, facts) if rung.due_at <= now]


def first_due(step: Step, facts: Facts) -> datetime | None:
    """When the step falls due for the first time; None while a pause holds it."""
    if step.at_fraction is not None:
        return _at_fraction(step.at_fraction, facts, business=step.business_time)
    start, wait = facts.paused_at, step.paused_for
    if step.overdue_for is not None:
        start, wait = due_at(facts.clock, facts.calendar), step.overdue_for
        return _later(start, wait, facts, business=step.business_time) if start else None
    if start is None or wait is None:
        return None
    # The task is paused all that time: pauses must count here.
    return facts.calendar.add(start, wait) if step.business_time else start + wait


def _rung(index: int, step: Step, fired: OnRecord, facts: Facts) -> Rung | None:
    first = first_due(step, facts)
    if first is None:
        return None
    repetition = 1 + max((number for at, number in fired if at == index), default=-1)
    last = fired.get((index, repetition - 1))
    if last is not None and _of_another_pause(step, last, facts):
        last = None
    if last is None and (facts.ladder_from is None or first > facts.ladder_from):
        return Rung(index, repetition, first)
    again = _again(step, _silenced(last or Fired(first, first), facts), facts)
    return Rung(index, repetition, max(first, again)) if again else None


def _of_another_pause(step: Step, last: Fired, facts: Facts) -> bool:
    """Each pause has its own steps: work that waits a second time must not vanish either."""
    return step.paused_for is not None and facts.paused_at is not None and last.due_at <= facts.paused_at


def _silenced(last: Fired, facts: Facts) -> Fired:
    """What fell due while the task was acknowledged is not made up for, as after an outage."""
    return last if facts.ladder_from is None else Fired(last.due_at, max(last.at, facts.ladder_from))


def _again(step: Step, last: Fired, facts: Facts) -> datetime | None:
    if not step.repeat_every:
        return None
    again = _later(last.due_at, step.repeat_every, facts, business=step.business_time)
    if again is not None and again <= last.at:
        # It fired so late that its successor was due too: what an outage swallowed is not made up for.
        again = _later(last.at, step.repeat_every, facts, business=step.business_time)
    return again


def _at_fraction(fraction: float, facts: Facts, *, business: bool) -> datetime | None:
    if business:
        return at_fraction(facts.clock, facts.calendar, fraction)
    end = due_at(facts.clock, facts.calendar)
    return None if end is None else facts.clock.ready_at + (end - facts.clock.ready_at) * fraction


def _later(start: datetime, wait: timedelta, facts: Facts, *, business: bool) -> datetime | None:
    if not business or not wait:
        return start + wait
    return due_after(facts.calendar, start, wait, stopping(facts.clock))
