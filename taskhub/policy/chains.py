"""Chains of work: a completed task makes the next one. A chain must end, and soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from taskhub.errors import Problem
from taskhub.policy.circles import circle
from taskhub.policy.policies import Policies
from taskhub.policy.reading.vocabulary import COMPLETED
from taskhub.policy.rule import Rule

DEEPEST = 5


@dataclass
class _Links:
    """``always``: kind → kinds that follow whatever happens → rule. ``perhaps``: those that follow at all."""

    always: dict[str, dict[str, str]] = field(default_factory=dict)
    perhaps: dict[str, dict[str, str]] = field(default_factory=dict)


def check(policies: Policies) -> Iterator[Problem]:
    """Chains that never end, and chains deeper than taskhub follows."""
    links = _links(policies)
    endless = circle(links.always)
    if endless:
        rule = links.always[endless[0]][endless[1]]
        said = _said(endless)
        message = f"this chain never ends: {said}. Add a condition such as task.outcome, or remove one link."
        yield Problem("rules.toml", 0, f"rule.{rule}.tasks", message)
        return
    longest = _longest(links.perhaps)
    if len(longest) - 1 > DEEPEST:
        rule = links.perhaps[longest[DEEPEST]][longest[DEEPEST + 1]]
        said = _said(longest)
        message = f"this chain is {len(longest) - 1} links long, at most {DEEPEST} are followed: {said}."
        yield Problem("rules.toml", 0, f"rule.{rule}.tasks", message)


def _said(kinds: list[str]) -> str:
    return " → ".join(kinds if len(kinds) <= 12 else [*kinds[:10], "…", kinds[-1]])


def _links(policies: Policies) -> _Links:
    links = _Links()
    making = [(rule, made) for rule in policies.rules if COMPLETED in rule.on for made in rule.tasks]
    for rule, made in making:
        certain = rule.once_per == "change" and made.share >= 1 and _only_kinds(rule)
        for kind in _kinds_of(rule, policies):
            links.perhaps.setdefault(kind, {}).setdefault(made.kind, rule.key)
            if certain:
                links.always.setdefault(kind, {}).setdefault(made.kind, rule.key)
    return links


def _only_kinds(rule: Rule) -> bool:
    return all(condition.path == "task.kind" for condition in rule.when)


def _kinds_of(rule: Rule, policies: Policies) -> list[str]:
    """The kinds whose completion fires the rule."""
    asked = [one.value for one in rule.when if one.path == "task.kind" and one.op in ("eq", "in")]
    wanted = [set(value) if isinstance(value, tuple) else {value} for value in asked]
    return list(set.intersection(*wanted)) if wanted else list(policies.kinds)


def _longest(links: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The longest way through the links; one that closes a circle is left out, its conditions end it."""
    best: dict[str, tuple[int, str]] = {}
    for start in links:
        _measure(start, links, best)
    way = [max(best, key=lambda kind: best[kind][0])] if best else []
    while way and best[way[-1]][1]:
        way.append(best[way[-1]][1])
    return way


def _measure(start: str, links: Mapping[str, Mapping[str, str]], best: dict[str, tuple[int, str]]) -> None:
    """Kind → (links still to follow, the next kind). Depth first without recursion, files may be long."""
    path = [(start, iter(links.get(start, ())))] if start not in best else []
    entered = {start}
    while path:
        kind, following = path[-1]
        step = next(following, None)
        if step is None:
            path.pop()
            entered.discard(kind)
            settled = [after for after in links.get(kind, ()) if after in best]
            longest = max(settled, key=lambda after: best[after][0], default="")
            best[kind] = (best[longest][0] + 1, longest) if longest else (0, "")
        elif step not in best and step not in entered:
            entered.add(step)
            path.append((step, iter(links.get(step, ()))))
