"""A value as a cell of a CSV file that no spreadsheet takes for a formula, or as one line of JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from taskhub.events.times import written

MARKED = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS


def cell(value: Any) -> str:
    """Text as it is, but for what a spreadsheet would calculate: that is marked as text. Import takes the mark off.

    >>> cell("=1+1"), cell("+49 30 1"), cell("Ann"), cell(True), cell(None), cell(-5)
    ("'=1+1", "'+49 30 1", 'Ann', 'true', '', '-5')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if MARKED.match(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, int | float):
        return repr(value)
    return orjson.dumps(value, option=_OPTIONS).decode() if value else ""


def row(columns: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """One row of a CSV file."""
    return [cell(values.get(name)) for name in columns]


def line(columns: Sequence[str], values: Mapping[str, Any]) -> bytes:
    """One line of JSON: the same names, values with their types; what is empty is null."""
    return orjson.dumps({name: values.get(name) for name in columns}, option=_OPTIONS | orjson.OPT_APPEND_NEWLINE)
