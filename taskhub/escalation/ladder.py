"""Which step of a ladder falls due when. Pure: the stored clock and what has fired go in, instants come out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from taskhub.calendars import BusinessCalendar, due_after
from taskhub.escalation.record import Fired, OnRecord, Promise, free, last_of, marks
from taskhub.policy.policies import Policies
from taskhub.policy.promise import FIRST_START, EscalationPolicy, Step
from taskhub.sla import SlaClock, at_fraction, due_at, stopping
from taskhub.tasks.model import CANCELLED, COMPLETED


@dataclass(frozen=True, slots=True)
class Rung:
    """One firing to come: ``step`` counts from 0 in the file, ``repetition`` what fired under that number before.

    ``mark`` and ``promise`` go on record with it: what the step is, and for which promise it fires.
    """

    step: int
    repetition: int
    due_at: datetime
    mark: str | None = None
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The task's completion clock, its calendar, since when the task has been paused, its kind, and its other clock.

    Steps that fell due up to ``ladder_from`` are passed over: somebody had acknowledged the task then.
    """

    clock: SlaClock
    calendar: BusinessCalendar
    paused_at: datetime | None = None
    ladder_from: datetime | None = None
    kind: str = ""
    first_start: SlaClock | None = None

    def of(self, step: Step) -> Facts | None:
        """The same, with the clock of the promise the step is about as ``clock``; None: not promised, or kept."""
        clock = self.first_start if step.target == FIRST_START else self.clock
        return None if clock is None or clock.met_at is not None else replace(self, clock=clock)


def policy_of(policies: Policies, sla: str | None) -> EscalationPolicy | None:
    """The ladder of a task with that SLA policy, if it has one."""
    promise = policies.sla.get(sla or "")
    return policies.escalations.get(promise.escalation or "") if promise else None


def rungs(policy: EscalationPolicy, fired: OnRecord, facts: Facts) -> list[Rung]:
    """The next firing of every step that has one, in due order; a step due at the same instant keeps its place."""
    steps = enumerate(zip(policy.steps, marks(policy), strict=True))
    found = [_rung(policy.key, (index, mark), step, fired, facts) for index, (step, mark) in steps]
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


def _rung(ladder: str, known: tuple[int, str], step: Step, fired: OnRecord, task: Facts) -> Rung | None:
    index, mark = known
    facts = task.of(step)
    first = first_due(step, facts) if facts is not None else None
    if facts is None or first is None:
        return None
    last, promise = last_of(index, mark, ladder, fired), _promise(step, facts)
    if last is not None and (_of_another_pause(step, last, facts) or _of_another_promise(promise, last, first, facts)):
        last = None
    rung = Rung(index, free(index, fired), first, mark, promise)
    if last is None and (facts.ladder_from is None or first > facts.ladder_from):
        return rung
    again = _again(step, _silenced(last or Fired(first, first), facts), facts)
    return replace(rung, due_at=max(first, again)) if again else None


def _of_another_pause(step: Step, last: Fired, facts: Facts) -> bool:
    """Each pause has its own steps: work that waits a second time must not vanish either."""
    return step.paused_for is not None and facts.paused_at is not None and last.due_at <= facts.paused_at


def _promise(step: Step, facts: Facts) -> Promise | None:
    if step.paused_for is not None:
        return None
    return Promise(due_at(facts.clock, facts.calendar), facts.clock.explicit_due_at is not None, facts.kind)


def _of_another_promise(now: Promise | None, last: Fired, first: datetime, facts: Facts) -> bool:
    """Each promise has its own steps: work that is late by a second date must not vanish either.

    A later due time is another promise only where somebody made it one. Pauses move due times every day, and a change
    of the files moves those of all tasks at once.
    """
    then = last.promise or (Promise(last.at, given=False, kind=facts.kind) if last.mark is None else None)
    if now is None or now.due_at is None or then is None:
        return False
    # A pause may have held the clock when it fired: then the instant of the step says what was promised at least.
    if now.due_at <= (then.due_at or last.due_at):
        return False
    if first <= last.at:
        return False
    began_anew = facts.clock.ready_at > last.at
    return now.given or then.given or now.kind != then.kind or began_anew or _reopened(last.at, first, facts.clock)


def _reopened(since: datetime, before: datetime, clock: SlaClock) -> bool:
    """Work that lay done or cancelled was taken up again between the two instants."""
    laid = (one for one in clock.pauses if one.reason in (COMPLETED, CANCELLED) and one.starts_at >= since)
    return any(one.ends_at is not None and one.ends_at < before for one in laid)


def _silenced(last: Fired, facts: Facts) -> Fired:
    """What fell due while the task was acknowledged is not made up for, as after an outage."""
    return last if facts.ladder_from is None else replace(last, at=max(last.at, facts.ladder_from))


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
