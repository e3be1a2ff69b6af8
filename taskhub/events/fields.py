"""Values of the native record objects: what each field may hold, and the one form in which it is kept.

Links to other records are ids as text; amounts are JSON numbers, or digits where a double would lose some. Names we do
not know are kept as they came.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from taskhub.events.decimals import decimal_of, kept
from taskhub.events.model import NOUNS

MAX_TEXT = 2_000
MAX_ID = 200
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,24})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AMOUNT_LIMIT = 10**15


class BadField(ValueError):
    """A value we cannot apply; ``str()`` is the reason for the quarantine ("bad_field: deal.amount …")."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"bad_field: {path} {problem}")


def read_text(path: str, value: Any) -> str:
    """Text, or an integer key as text; never a boolean, a list or an object."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadField(path, "must be text")
    if len(value) > MAX_TEXT:
        raise BadField(path, f"is longer than {MAX_TEXT} characters")
    return value


def read_id(path: str, value: Any) -> str:
    """The id of a record, given as text, integer or object with an ``id``."""
    if isinstance(value, Mapping):
        value = value.get("id")
    text = read_text(path, value)
    if not text.strip() or len(text) > MAX_ID or _CONTROL.search(text):
        raise BadField(path, f"must be an id of 1 to {MAX_ID} characters without control characters")
    return text


def read_number(path: str, value: Any) -> int | float | str:
    """An amount, to the last digit: a JSON number, or plain ASCII digits with a decimal point.

    >>> read_number("deal.amount", "1200.50"), read_number("deal.amount", 300.0)
    (1200.5, 300)
    >>> read_number("deal.amount", "123456789012345.67")
    '123456789012345.67'
    """
    digits = isinstance(value, str) and _NUMBER.fullmatch(value) is not None
    if isinstance(value, bool) or not (digits or isinstance(value, int | float)):
        raise BadField(path, "must be a number")
    if not math.isfinite(float(value)) or abs(meant := decimal_of(value)) >= _AMOUNT_LIMIT:
        raise BadField(path, "is out of range")
    found = kept(meant)
    if isinstance(found, str) and not _NUMBER.fullmatch(found):
        raise BadField(path, "has more than 24 decimals")
    return found


def _flag(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadField(path, "must be true or false")
    return value


_PERSON = ("name", "company", "email", "phone", "language")
_SALE = ("title", "stage", "pipeline", "owner", "currency", "status", "lost_reason", "expected_close_on")
_ACTIVITY = ("type", "due_on")
_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys((*_PERSON, *_SALE, *_ACTIVITY), read_text),
    **dict.fromkeys(("id", "merged_into", *NOUNS), read_id),
    "amount": read_number,
    "done": _flag,
}


def read_fields(noun: str, raw: Mapping[str, Any], *, path: str | None = None) -> dict[str, Any]:
    """``raw`` with every known field checked and in its kept form; null stays None ("known to be empty")."""
    prefix = path or noun
    return {key: _value(key, value, f"{prefix}.{key}") for key, value in raw.items()}


def _value(key: str, value: Any, path: str) -> Any:
    reader = _READERS.get(key)
    return value if value is None or reader is None else reader(path, value)
