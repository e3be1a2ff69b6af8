"""What is wrong with ladders that read well on their own: steps that do nothing, addressees nobody can be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from taskhub.errors import Problem
from taskhub.policy.policies import Policies
from taskhub.policy.promise import FIRST_START, Step

FILE = "escalation.toml"
PROMISES = "sla.toml"
PLAIN = ("agent", "leader", "manager")
NAMED = ("agent", "team", "role", "url")
ROLES = ("agent", "rep", "manager", "director", "admin", "integration", "auditor")


def check(policies: Policies) -> list[Problem]:
    """Every problem of every ladder."""
    found = [
        Problem(FILE, 0, f"escalation.{ladder.key}.steps[{number}]{key}", message)
        for ladder in policies.escalations.values()
        for number, step in enumerate(ladder.steps, 1)
        for key, message in _step(step)
    ]
    return [*found, *_unpromised(policies)]


def _unpromised(policies: Policies) -> Iterator[Problem]:
    """Steps about a start nobody is promised: a ladder would look complete and never say so."""
    for promise in policies.sla.values():
        ladder = policies.escalations.get(promise.escalation or "")
        if ladder is None or promise.first_start is not None:
            continue
        asking = [number for number, step in enumerate(ladder.steps, 1) if step.target == FIRST_START]
        if asking:
            message = (
                f'step {asking[0]} of the ladder {ladder.key!r} is about target = "{FIRST_START}", which this promise '
                f"does not make; give it {FIRST_START}, or a ladder without such a step"
            )
            yield Problem(PROMISES, 0, f"sla.{promise.key}.escalation", message)


def _step(step: Step) -> Iterator[tuple[str, str]]:
    if not (step.notify or step.raise_priority or step.reassign or step.widen):
        yield "", "does nothing; give it notify, raise_priority, reassign or widen"
    if step.repeat_every is not None and step.repeat_every <= timedelta():
        yield ".repeat_every", "must be more than nothing"
    for index, asked in enumerate(step.notify):
        said = _addressee(asked)
        if said:
            yield f".notify[{index}]", said


def _addressee(asked: str) -> str | None:
    kind, colon, name = asked.partition(":")
    if not colon:
        return None if asked in PLAIN else f"{asked!r} is nobody; write one of: {', '.join(PLAIN)}, or KIND:NAME"
    if kind not in NAMED or not name:
        return f"{asked!r} is nobody; name somebody like {', '.join(f'{one}:NAME' for one in NAMED)}"
    if kind == "role" and name not in ROLES:
        return f"there is no role {name!r}; roles: {', '.join(ROLES)}"
    return None
