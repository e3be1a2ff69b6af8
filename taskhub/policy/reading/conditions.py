"""``when``: field paths compared with values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, is_number, shown
from taskhub.policy.reading.values import scalar
from taskhub.policy.reading.vocabulary import FIELDS, ROOTS
from taskhub.policy.reading.wording import is_path
from taskhub.policy.rule import OPERATORS, Condition

Keys = tuple[str, ...]
# What a field's value must be the name of.
_NAMED = {
    "lead.stage": "lead stage",
    "deal.stage": "deal stage",
    "lead.pipeline": "lead pipeline",
    "deal.pipeline": "deal pipeline",
    "lead.lost_reason": "lead lost reason",
    "deal.lost_reason": "deal lost reason",
    "task.kind": "kind",
}
_BY_NAME = ("eq", "in", "changed_to", "changed_from")


def conditions(table: Table, key: str = "when") -> tuple[Condition, ...]:
    """Every condition of a ``when`` table, in file order."""
    when = table.table(key)
    return () if when is None else tuple(_all(when, when.data, ()))


def wanted_values(table: Table, key: str = "when") -> dict[str, Any]:
    """Of a checklist item: field path → the value, or list of values, it must have."""
    found = {}
    for condition in conditions(table, key):
        if condition.op in ("eq", "in"):
            found[condition.path] = condition.value
        else:
            message = f"an item can only ask for a value or a list of values, not for {condition.op}."
            table.problem((key, condition.path), message)
    return found


def _all(when: Table, data: dict[str, Any] | Any, keys: Keys) -> Iterator[Condition]:
    for name, value in data.items():
        here = (*keys, name)
        path = ".".join(here)
        if not is_path(path):
            when.problem(here, f"{shown(path)} is no field; write a path such as deal.amount.")
        elif isinstance(value, dict) and path in FIELDS:
            # deal.amount = … without quotes makes TOML nest the field inside a table of its noun.
            yield from _all(when, value, here)
        else:
            _look_at_path(when, here, path)
            yield from _compared(when, here, path, value)


def _look_at_path(when: Table, keys: Keys, path: str) -> None:
    root, dot, name = path.partition(".")
    if dot and root not in ROOTS:
        hint = nearest(root, ROOTS)
        if hint:
            when.problem(keys, f"{shown(root)} is nothing a rule can look at.", f"{hint}.{name}")
        return
    when.findings.paths.append((when.place(*keys), path))


def _compared(when: Table, keys: Keys, path: str, value: Any) -> Iterator[Condition]:
    if not isinstance(value, dict):
        value = {"in" if isinstance(value, list) else "eq": value}
        plain = True
    else:
        plain = False
        if not value:
            when.problem(keys, f"say how {path} is compared: {', '.join(OPERATORS)}.")
    for op, wanted in value.items():
        here = keys if plain else (*keys, op)
        if op not in OPERATORS:
            message = f"{shown(op)} compares nothing; use {', '.join(OPERATORS)}."
            when.problem(here, message, nearest(op, OPERATORS))
            continue
        said = _unfit(op, wanted)
        if said:
            when.problem(here, f"{op} needs {said}, not {shown(wanted)}.")
            continue
        _refer(when, here, path, op, wanted)
        yield Condition(path, op, _plain(wanted))


def _unfit(op: str, wanted: Any) -> str | None:
    if op == "exists":
        return None if isinstance(wanted, bool) else "true or false"
    if op in ("gte", "lt"):
        fits = is_number(wanted) or _is_date(wanted)
        return None if fits else "a number, or a date such as 2026-12-31"
    several = isinstance(wanted, list) and bool(wanted) and all(_single(one) for one in wanted)
    if op == "in":
        return None if several else "a list of values that is not empty"
    if op == "eq":
        return None if _single(wanted) else "one text, number, true or false; use in for several"
    return None if several or _single(wanted) else "a value, or a list of values that is not empty"


def _single(value: Any) -> bool:
    return scalar(value) or isinstance(value, date)


def _is_date(value: Any) -> bool:
    if isinstance(value, date):
        return True
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(one) for one in value)
    return value.isoformat() if isinstance(value, date) else value


def _refer(when: Table, keys: Sequence[str | int], path: str, op: str, wanted: Any) -> None:
    noun = _NAMED.get(path)
    if noun is None or op not in _BY_NAME:
        return
    for name in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(name, str):
            when.findings.refer(noun, name, when.place(*keys), open_world=noun != "kind")
