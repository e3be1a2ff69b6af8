"""Values whose meaning another room knows: parameters, requirements, settings. Here they only must be plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from taskhub.policy.reading.table import KEY, LONGEST_TEXT, Table, shown
from taskhub.policy.reading.wording import check_template

_LARGEST = 2**53


def free(table: Table, key: str) -> dict[str, Any]:
    """A table of plain values, lists and tables."""
    value = table.table(key)
    if value is None:
        return {}
    _check(value, (), value.data)
    return dict(value.data)


def requirements(table: Table, key: str = "requires") -> dict[str, Any]:
    """Attribute → value, or list of values one of which will do; texts may be "{lead.language}"."""
    value = table.table(key)
    if value is None:
        return {}
    for name, wanted in value.data.items():
        if isinstance(wanted, dict) or wanted in ([], ""):
            value.problem(name, f"{name} must be a text, a number, true, false or a list of these.")
            continue
        _check(value, (name,), wanted)
        for text in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(text, str):
                check_template(value, (name,), text)
    return dict(value.data)


def text_map(table: Table, key: str) -> dict[str, str]:
    """A table of texts."""
    value = table.table(key)
    if value is None:
        return {}
    for name, text in value.data.items():
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            value.problem(name, f"{name} must be a text in quotes, not {shown(text)}.")
    return {name: text for name, text in value.data.items() if isinstance(text, str)}


def word(table: Table, key: str) -> str | None:
    """A text written like a key."""
    text = table.opt_text(key)
    if text is None or KEY.fullmatch(text):
        return text
    table.wrong(key, "lower-case letters, digits, - and _", text)
    return None


def scalar(value: Any) -> bool:
    """Whether it is one plain value that JSON can hold."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) <= _LARGEST
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _check(table: Table, keys: Sequence[str | int], value: Any) -> None:
    if isinstance(value, dict):
        for name, entry in value.items():
            _check(table, (*keys, name), entry)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            _check(table, (*keys, index), entry)
    elif not scalar(value):
        name = next((key for key in reversed(keys) if isinstance(key, str)), "it")
        message = f"{name} must hold texts in quotes, numbers, true or false, not {shown(value)}; quote dates."
        table.problem(keys, message)
