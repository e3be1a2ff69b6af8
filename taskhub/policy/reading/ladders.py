"""escalation.toml: what happens when work runs late, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from taskhub.policy.promise import TARGETS, EscalationPolicy, NoticePolicy, Step
from taskhub.policy.reading import notices
from taskhub.policy.reading.addressees import check_addressees
from taskhub.policy.reading.table import Table, keyed

TRIGGERS = ("at_fraction", "overdue_for", "paused_for")
DOES = ("notify", "raise_priority", "reassign", "widen")
MOST_FRACTION = 100


@dataclass(frozen=True, slots=True)
class Ladders:
    """Everything escalation.toml says."""

    escalations: Mapping[str, EscalationPolicy]
    notices: NoticePolicy


def read(root: Table) -> Ladders:
    """Every ladder by its key, and how people are told."""
    found = Ladders(keyed(root, "escalation", "escalation", _ladder), notices.read(root.table("notifications")))
    root.done()
    return found


def _ladder(entry: Table, key: str) -> EscalationPolicy:
    entries = entry.tables("steps", required=True)
    steps = [_step(one) for one in entries]
    if entry.has("steps") and entry.data["steps"] == []:
        entry.problem("steps", "a ladder without steps never does anything; add a step or remove the ladder.")
    _rising(entries, steps)
    return EscalationPolicy(key, tuple(steps))


def _step(entry: Table) -> Step:
    step = Step(
        at_fraction=entry.opt_number("at_fraction", most=MOST_FRACTION),
        overdue_for=entry.opt_duration("overdue_for", zero=True),
        paused_for=entry.opt_duration("paused_for"),
        business_time=entry.flag("business_time", default=True),
        notify=entry.words("notify"),
        raise_priority=entry.whole("raise_priority", 0, least=0, most=3),
        reassign=entry.opt_choice("reassign", ("queue", "leader")),
        repeat_every=entry.opt_duration("repeat_every"),
        widen=entry.words("widen"),
        quiet_hours=entry.flag("quiet_hours", default=True),
        target=entry.choice("target", TARGETS, TARGETS[0]),
    )
    entry.done()
    check_addressees(entry, "notify", step.notify)
    if entry.unknown():
        return step
    given = [key for key in TRIGGERS if entry.has(key)]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        entry.problem((), f"a step falls due by exactly one of {', '.join(TRIGGERS)}; here: {said}.")
    if entry.has("target") and step.paused_for is not None:
        entry.problem("target", "a step by paused_for goes by the pause, not by a promise; leave target out.")
    if not any(entry.has(key) for key in DOES):
        entry.problem((), f"the step does nothing; give it {', '.join(DOES[:-1])} or {DOES[-1]}.")
    return step


def _rising(entries: Sequence[Table], steps: Sequence[Step]) -> None:
    """Steps stand in the order in which they fall due; two at one instant are one step, or one of them is not seen."""
    last: dict[tuple[str, str, bool], tuple[float, int]] = {}
    for number, (entry, step) in enumerate(zip(entries, steps, strict=True), 1):
        moment = _moment(step)
        if moment is None:
            continue
        scale, at = moment
        line = step.target, scale, step.business_time
        before = last.get(line)
        if before and at == before[0]:
            entry.problem((), f"falls due at the same instant as step {before[1]}; put both into one step.")
        elif before and at < before[0]:
            entry.problem((), f"falls due before step {before[1]}; put the steps in the order in which they fall due.")
        last[line] = max((at, number), before or (at, number))


def _moment(step: Step) -> tuple[str, float] | None:
    """A scale and a place on it. Up to the due time fractions count, then seconds overdue: both on one scale."""
    if step.paused_for is not None:
        return "paused", step.paused_for.total_seconds()
    if step.overdue_for is not None:
        return "due", 1.0 + step.overdue_for / timedelta(days=1)
    if step.at_fraction is None:
        return None
    return ("due", step.at_fraction) if step.at_fraction <= 1 else ("beyond", step.at_fraction)
