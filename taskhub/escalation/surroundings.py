"""What is wrong with ladders in this house, asked when a set is accepted: targets that are not there, steps in vain.

A set in force is never asked again: it must load on a machine that lacks a variable, and under a newer version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from taskhub.calendars import format_duration
from taskhub.errors import Problem
from taskhub.escalation.checks import FILE
from taskhub.policy.policies import Policies
from taskhub.policy.promise import SOONEST_AGAIN, EscalationPolicy, Step
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.work import PRIORITIES

Said = tuple[str, str, str | None]
HIGHEST = len(PRIORITIES) - 1


def check(policies: Policies, *, teams: Collection[str] | None, environ: Mapping[str, str]) -> list[Problem]:
    """Every problem of every ladder. ``teams`` None: nobody knows which there are beside those the queues name."""
    served = {team for queue in policies.queues.values() for team in queue.teams}
    known = None if teams is None else served | set(teams)
    return [
        Problem(FILE, 0, f"escalation.{ladder.key}.steps[{number}]{path}", message, hint)
        for ladder in policies.escalations.values()
        for number, step in enumerate(ladder.steps, 1)
        for path, message, hint in (
            *_targets(step, known, environ), *_circle(step), *_flood(step), *_late(ladder, number - 1),
            *_in_vain(ladder, number - 1),
        )
    ]  # fmt: skip


def _targets(step: Step, teams: Collection[str] | None, environ: Mapping[str, str]) -> Iterator[Said]:
    for index, asked in enumerate(step.notify):
        kind, _, name = asked.partition(":")
        if kind == "team":
            yield from _team(f".notify[{index}]", name, teams)
        if kind == "url":
            yield from _variable(f".notify[{index}]", name, environ)
    for index, name in enumerate(step.widen):
        yield from _team(f".widen[{index}]", name, teams)


def _team(path: str, name: str, teams: Collection[str] | None) -> Iterator[Said]:
    if teams is not None and name not in teams:
        yield (
            path,
            f"there is no team {name!r}; create it first, or name one that a queue or the directory has",
            (nearest(name, teams)),
        )


def _variable(path: str, name: str, environ: Mapping[str, str]) -> Iterator[Said]:
    if "://" in name:
        yield path, "an address holds secrets; put it into an environment variable and write url:NAME", None
    elif not environ.get(name) and not environ.get(f"{name}_FILE"):
        near = nearest(name, [one.removesuffix("_FILE") for one in environ])
        yield path, f"the variable {name} is not set here; set {name} or {name}_FILE to an Apprise address", near


def _circle(step: Step) -> Iterator[Said]:
    """Handing on again and again takes the work from one person after another, for ever."""
    if step.repeat_every is not None and step.reassign is not None:
        message = "repeats a reassign: the task would go in circles from one person to the next; use two steps"
        yield ".repeat_every", message, None


def _flood(step: Step) -> Iterator[Said]:
    if step.repeat_every is not None and step.repeat_every < SOONEST_AGAIN:
        message = f"says it again every {format_duration(step.repeat_every)}; 5m is the shortest, or nobody reads it"
        yield ".repeat_every", message, None


def _late(ladder: EscalationPolicy, index: int) -> Iterator[Said]:
    """A part of the promised time beyond the whole of it, and then a step at or before the due time."""
    step = ladder.steps[index]
    by_then = step.overdue_for == timedelta() or (step.at_fraction is not None and step.at_fraction <= 1)
    same = ((number, one) for number, one in enumerate(ladder.steps[:index], 1) if one.target == step.target)
    beyond = (number for number, one in same if (one.at_fraction or 0) > 1)
    if by_then and (number := next(beyond, None)) is not None:
        yield "", f"falls due before step {number}; put the steps in the order in which they fall due", None


def _in_vain(ladder: EscalationPolicy, index: int) -> Iterator[Said]:
    """Steps whose work earlier steps have done whenever they fall due."""
    step, before = (
        ladder.steps[index],
        [one for one in ladder.steps[:index] if _surely_before(one, ladder.steps[index])],
    )
    if step.notify or step.reassign:
        return
    let_in = {team for one in before for team in one.widen}
    raises = step.raise_priority and sum(one.raise_priority for one in before) < HIGHEST
    widens = set(step.widen) - let_in
    if not raises and not widens:
        yield "", "can never do anything: the steps before it have done it all", None
    elif step.repeat_every is not None and not step.raise_priority:
        yield ".repeat_every", "repeats what has been done for good; leave repeat_every out", None


def _surely_before(one: Step, other: Step) -> bool:
    """Both wait for the same clock, and the file says that ``one`` comes first."""
    alike = (one.paused_for is None) == (other.paused_for is None) and one.business_time == other.business_time
    return alike and one.target == other.target
