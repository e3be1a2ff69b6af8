"""Rules that can never be true: contradictory conditions, and conditions on what their events never hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from taskhub.errors import Problem
from taskhub.policy.policies import Policies
from taskhub.policy.reading.vocabulary import COMPLETED, EVENT_TYPES, IMPLIED, MANY_VALUED, NOUNS
from taskhub.policy.rule import Condition, Rule

FILE = "rules.toml"
_MOVES = ("changed_to", "changed_from")


def check(policies: Policies) -> Iterator[Problem]:
    """Every condition that can never hold."""
    for rule in policies.rules:
        found = (*never(rule.when), *_unseen(rule), *_implied(rule), *_no_such_stage(rule, policies), *_unraised(rule))
        for path, why in found:
            yield Problem(FILE, 0, f"rule.{rule.key}.{path}", f"{path.rpartition('when.')[2]} can never hold: {why}.")


def _unraised(rule: Rule) -> Iterator[tuple[str, str]]:
    for number, made in enumerate(rule.tasks, 1):
        for index, raised in enumerate(made.raises, 1):
            yield from ((f"tasks[{number}].raises[{index}].{path}", why) for path, why in never(raised.when))


def never(conditions: Iterable[Condition]) -> Iterator[tuple[str, str]]:
    """(key, why) of every path whose conditions contradict each other.

    >>> list(never([Condition("deal.amount", "gte", 10), Condition("deal.amount", "lt", 5)]))
    [('when.deal.amount', 'no value is at least 10 and below 5')]
    """
    by_path: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        by_path.setdefault(condition.path, {})[condition.op] = condition.value
    for path, asked in by_path.items():
        why = _contradiction(asked)
        if why and path.rpartition(".")[2] not in MANY_VALUED:
            yield f"when.{path}", why


def _contradiction(asked: Mapping[str, Any]) -> str | None:
    if asked.get("exists") is False and len(asked) > 1:
        return "it must be empty and have a value"
    if "changed_to" in asked and asked["changed_to"] == asked.get("changed_from"):
        return "it would change to what it was before"
    low: Any = asked.get("gte")
    high: Any = asked.get("lt")
    if _comparable(low, high) and low >= high:
        return f"no value is at least {low} and below {high}"
    allowed = _allowed(asked)
    if allowed is not None and not allowed:
        return "the values it must have exclude each other"
    if allowed is not None and not any(_within(value, low, high) for value in allowed.values()):
        return "the values it may have lie outside the limits"
    return None


def _allowed(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values that eq, in and changed_to leave; None when none of them is asked."""
    sets = [_choices(asked[op]) for op in ("eq", "in", "changed_to") if op in asked]
    if not sets:
        return None
    return {name: value for name, value in sets[0].items() if all(name in other for other in sets[1:])}


def _choices(value: Any) -> dict[str, Any]:
    values = value if isinstance(value, tuple | list) else [value]
    return {_name(one): one for one in values}


def _name(value: Any) -> str:
    """13 and "13" are one key, true is none of them."""
    if isinstance(value, bool):
        return f"bool {value}"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _within(value: Any, low: Any, high: Any) -> bool:
    below = _comparable(value, low) and value < low
    above = _comparable(value, high) and value >= high
    return not (below or above)


def _comparable(left: Any, right: Any) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right))
    return numbers or all(isinstance(one, str) and len(one) == len("2026-12-31") for one in (left, right))


def _unseen(rule: Rule) -> Iterator[tuple[str, str]]:
    """What the rule's events never hold. Types of other senders may hold anything."""
    if not rule.on or not set(rule.on) <= set(EVENT_TYPES):
        return
    timed = rule.after is not None or rule.before_field is not None
    nouns = {type_.partition(".")[0] for type_ in rule.on}
    for condition in rule.when:
        root = condition.path.partition(".")[0] if "." in condition.path else ""
        if root == "task" and COMPLETED not in rule.on:
            yield f"when.{condition.path}", f"only {COMPLETED} tells about a task"
        if root == "event" and set(rule.on) == {COMPLETED}:
            yield f"when.{condition.path}", f"{COMPLETED} is no event from outside"
        if condition.op in _MOVES:
            why = _unmoved(root, nouns, timed=timed)
            if why:
                yield f"when.{condition.path}", why


def _unmoved(root: str, nouns: set[str], *, timed: bool) -> str | None:
    if timed:
        return "a rule that fires by the clock sees no change; ask for the value with eq"
    if nouns == {"task"}:
        return f"{COMPLETED} changes no field"
    # An activity may be told through its lead or deal.
    if root in NOUNS and root not in nouns and "activity" not in nouns:
        return f"only events of a {root} say how its fields change"
    return None


def _implied(rule: Rule) -> Iterator[tuple[str, str]]:
    """An event that says "lost" never finds the record open."""
    implied = [IMPLIED.get(type_) for type_ in rule.on]
    for condition in rule.when:
        if condition.op not in ("eq", "in", "changed_to") or not implied or rule.after or rule.before_field:
            continue
        choices = _choices(condition.value)
        if all(one and one[0] == condition.path and one[1] not in choices for one in implied):
            yield (
                f"when.{condition.path}",
                f"{' and '.join(rule.on)} always makes it {implied[0][1] if implied[0] else ''!r}",
            )


def _no_such_stage(rule: Rule, policies: Policies) -> Iterator[tuple[str, str]]:
    for noun in ("lead", "deal"):
        lines = _asked(rule.when, f"{noun}.pipeline")
        stages = _asked(rule.when, f"{noun}.stage")
        known = [line for line in policies.pipelines.values() if line.noun == noun and line.key in lines]
        if known and stages and not any(stage.key in stages for line in known for stage in line.stages):
            yield f"when.{noun}.stage", f"{' and '.join(line.key for line in known)} has no such stage"


def _asked(conditions: Sequence[Condition], path: str) -> set[str]:
    found = [one for one in conditions if one.path == path and one.op in ("eq", "in", "changed_to")]
    return {name for one in found for name in _choices(one.value)}
