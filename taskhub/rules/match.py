"""Whether conditions hold. Odd types never raise: a comparison that makes no sense does not hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from taskhub.events.fields import BadField, read_number
from taskhub.events.times import read_instant
from taskhub.policy.rule import Condition
from taskhub.rules.scope import MISSING, Scope

Number = int | float | Decimal


def all_hold(conditions: Iterable[Condition], scope: Scope) -> bool:
    """Whether every one of ``conditions`` holds."""
    return all(holds(condition, scope) for condition in conditions)


def holds(condition: Condition, scope: Scope) -> bool:
    """Whether ``condition`` holds; an unknown operator never does."""
    if condition.op in ("changed_to", "changed_from"):
        move = scope.move(condition.path)
        if move is None:
            return False
        return among(move.new if condition.op == "changed_to" else move.old, condition.value)
    compare = _OPERATORS.get(condition.op)
    return compare is not None and compare(scope.find(condition.path), condition.value)


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values, where true is not 1, but the key 13 is "13" and 100 is 100.0.

    >>> same(13, "13"), same(True, 1), same("a", "A")
    (True, False, False)
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, int):
        return left == str(right)
    if isinstance(left, int) and isinstance(right, str):
        return str(left) == right
    return bool(left == right)


def among(found: Any, wanted: Any) -> bool:
    """Whether ``found`` is ``wanted`` or one of its items; of a field that is a list, one item is enough."""
    if found is MISSING:
        return False
    choices = wanted if isinstance(wanted, list | tuple) else [wanted]
    values = found if isinstance(found, list | tuple) else [found]
    return any(same(value, choice) for value in values for choice in choices) or same(found, wanted)


def _exists(found: Any, wanted: Any) -> bool:
    return (found is not MISSING and found is not None and found not in ("", [], {})) is bool(wanted)


def _at_least(found: Any, wanted: Any) -> bool:
    pair = _comparable(found, wanted)
    return pair is not None and pair[0] >= pair[1]


def _below(found: Any, wanted: Any) -> bool:
    pair = _comparable(found, wanted)
    return pair is not None and pair[0] < pair[1]


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": among,
    "in": among,
    "exists": _exists,
    "gte": _at_least,
    "lt": _below,
}


def _comparable(found: Any, wanted: Any) -> tuple[Number, Number] | None:
    """Both as numbers, or both as instants; None when they cannot be compared."""
    for reading in (number_of, seconds_of):
        left, right = reading(found), reading(wanted)
        if left is not None and right is not None:
            return left, right
    return None


def number_of(value: Any) -> Number | None:
    """A number, also when it came as plain digits."""
    try:
        found = read_number("", value)
        return Decimal(found) if isinstance(found, str) else found
    except BadField:
        return None


def seconds_of(value: Any) -> float | None:
    """A date or an RFC 3339 time as seconds since 1970; dates begin at midnight UTC."""
    moment = instant_of(value)
    return None if moment is None else moment.timestamp()


def instant_of(value: Any) -> datetime | None:
    """A date or time, as text or as TOML reads it; times without a zone are taken as UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    day = day_of(value)
    if day is not None:
        return datetime.combine(day, time(), UTC)
    try:
        return read_instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def day_of(value: Any) -> date | None:
    """A date, or text such as 2026-01-31."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-01-31") else None
    except ValueError:
        return None
