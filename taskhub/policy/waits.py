"""Tasks that wait for each other would wait for ever."""

from __future__ import annotations

from collections.abc import Iterator

from taskhub.errors import Problem
from taskhub.policy.circles import circle
from taskhub.policy.policies import Policies
from taskhub.policy.rule import Rule


def check(policies: Policies) -> Iterator[Problem]:
    """Circles of ``waits_for`` among the tasks that one event may make, each reported once."""
    told: set[frozenset[str]] = set()
    groups: dict[str, list[Rule]] = {}
    for rule in policies.rules:
        for type_ in rule.on or (f"rule {rule.key}",):
            groups.setdefault(type_, []).append(rule)
    for rules in groups.values():
        waiting = _waiting(rules)
        found = circle({kind: list(others) for kind, others in waiting.items()})
        if found and frozenset(found) not in told:
            told.add(frozenset(found))
            message = f"these would wait for each other for ever: {' → '.join(found)}. Remove one waits_for."
            yield Problem("rules.toml", 0, waiting[found[-2]][found[-1]], message)


def _waiting(rules: list[Rule]) -> dict[str, dict[str, str]]:
    """kind → kind it waits for → the key that says so."""
    found: dict[str, dict[str, str]] = {}
    for rule in rules:
        for number, made in enumerate(rule.tasks, 1):
            for other in made.waits_for:
                key = f"rule.{rule.key}.tasks[{number}].waits_for"
                found.setdefault(made.kind, {}).setdefault(other, key)
    return found
