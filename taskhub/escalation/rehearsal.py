"""What will escalate, to whom, and whether they will be at work: the ladder run ahead, as if nobody did anything. Pure.

The same functions say what falls due and who is told as when it happens. What a step does is taken into account (who
holds the task, whether its clock stands still, which teams may take it), and so is a pause that ends by its date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.escalation import addressing, ladder
from taskhub.escalation.addressing import Told
from taskhub.escalation.ladder import Facts, Rung
from taskhub.escalation.record import Fired, OnRecord
from taskhub.escalation.whereabouts import House
from taskhub.policy.promise import EscalationPolicy, Step
from taskhub.sla import resume

MOST_LOOKS = 200  # at one task: a step that repeats each minute would fill the answer


@dataclass(frozen=True, slots=True)
class Climber:
    """A task on its ladder as it stands now. ``pause_ends``: when its clock runs again by itself."""

    task: str
    title: str
    queue: str
    policy: EscalationPolicy
    fired: OnRecord
    facts: Facts
    holder: str | None
    queue_teams: tuple[str, ...]
    extra_teams: tuple[str, ...] = ()
    pause_ends: datetime | None = None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """One addressee of a step to come. ``at_work``: on shift and not away; None where it is no person."""

    told: Told
    at_work: bool | None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One firing to come. ``sure`` False: by then the task may have gone to somebody nobody can name today."""

    task: str
    title: str
    queue: str
    policy: str
    rung: Rung
    step: Step
    holder: str | None
    reached: tuple[Reached, ...]
    gets: str | None = None
    sure: bool = True


def rehearse(climber: Climber, house: House, now: datetime, until: datetime) -> Iterator[Foreseen]:
    """Every firing of one task after the last on record and up to ``until``, in due order."""
    one, sure, moment = climber, True, now
    fired = dict(climber.fired)
    for _ in range(MOST_LOOKS):
        found = ladder.rungs(one.policy, fired, one.facts)
        wakes = one.pause_ends
        if wakes is not None and wakes <= until and (not found or max(found[0].due_at, moment) > wakes):
            moment = max(moment, wakes)
            one = replace(one, facts=_running(one.facts, wakes), pause_ends=None)
            continue
        if not found or found[0].due_at > until:
            return
        # What a pause held back, or an outage, is late: it fires when it is looked at.
        moment = at = max(found[0].due_at, moment)
        # One look fires all that is due, whatever the first of it does to the task.
        for rung in (rung for rung in found if rung.due_at <= at):
            step = one.policy.steps[rung.step]
            after, gets = _after(one, step, house, at)
            yield _foreseen(one, after, rung, house, at, gets=gets, sure=sure)
            sure = sure and not (step.reassign == "queue" and after.holder != one.holder)
            fired[rung.step, rung.repetition] = Fired(rung.due_at, at, one.policy.key, rung.mark, rung.promise)
            one = after


def _foreseen(
    before: Climber, after: Climber, rung: Rung, house: House, at: datetime, *, gets: str | None, sure: bool
) -> Foreseen:
    """People are told as things stood: "agent" means who held it until then, the teams are those let in by now."""
    step = before.policy.steps[rung.step]
    directory = house.at(at)
    concern = house.concern(before.holder, before.queue_teams, after.extra_teams)
    found = addressing.tell(step.notify, concern, directory)
    if step.reassign == "leader" and after.holder != before.holder:
        found += addressing.handed((gets, before.holder), found, directory)
    reached = tuple(_reached(told, house, at) for told in dict.fromkeys(found))
    return Foreseen(
        before.task, before.title, before.queue, before.policy.key, rung, step, before.holder, reached, gets, sure
    )


def _reached(told: Told, house: House, at: datetime) -> Reached:
    known = house.people.get(told.agent or "")
    if known is None:
        return Reached(told, None)
    person = known.at(at)
    why = "inactive" if not person.active else "absent" if person.absent else None
    why = why or (None if person.on_shift else "off_shift")
    return Reached(told, why is None, why)


def _after(one: Climber, step: Step, house: House, at: datetime) -> tuple[Climber, str | None]:
    """The task once the step has done its work, and the person it was handed to."""
    extra = tuple(sorted({*one.extra_teams, *step.widen}))
    if step.reassign is None or one.is_blocked:
        return replace(one, extra_teams=extra), None
    holder, gets = None, None
    if step.reassign == "leader":
        concern = house.concern(one.holder, one.queue_teams, one.extra_teams)
        gets = holder = addressing.leader_at_work(concern, house.at(at)).agent
    if holder is not None and holder == one.holder:
        return replace(one, extra_teams=extra), None
    facts = replace(_running(one.facts, at), paused_at=None)
    return replace(one, extra_teams=extra, holder=holder, facts=facts, pause_ends=None), gets


def _running(facts: Facts, at: datetime) -> Facts:
    start = resume(facts.first_start, at) if facts.first_start is not None else None
    return replace(facts, clock=resume(facts.clock, at), first_start=start)


def shown(one: Foreseen, named: Mapping[str, str]) -> dict[str, Any]:
    """One firing as people and programs read it; ``named``: the names of people."""
    step = one.step
    does = {
        "raise_priority": step.raise_priority or None, "reassign": step.reassign, "to": one.gets,
        "widen": list(step.widen) or None,
    }  # fmt: skip
    return {
        "task": one.task, "title": one.title, "queue": one.queue, "escalation": one.policy,
        "step": one.rung.step + 1, "target": step.target, "repetition": one.rung.repetition,
        "due_at": one.rung.due_at, "holder": one.holder, "sure": one.sure, "urgent": not step.quiet_hours,
        "does": {name: value for name, value in does.items() if value is not None},
        "tells": [_tells(reached, named) for reached in one.reached],
    }  # fmt: skip


def _tells(reached: Reached, named: Mapping[str, str]) -> dict[str, Any]:
    told = reached.told
    return {
        "asked": told.asked.partition("://")[0], "agent": told.agent, "name": named.get(told.agent or ""),
        "instead_of": told.instead_of, "because": told.because, "at_work": reached.at_work, "why_not": reached.why_not,
    }  # fmt: skip
