"""One spelling for one JSON value, after RFC 8785, so that equal bodies hash equal however they were written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from json import dumps
from typing import Any

_PLAIN_LIMIT = 10**21


def canonical(value: Any) -> str:
    """``value`` as JSON: keys in UTF-16 order, no spaces, numbers in their shortest form.

    Integers keep all their digits, where RFC 8785 would round beyond 2**53: ids of that size exist.

    >>> canonical({"b": 1.0, "a": [-0.0, 1e-7, "é"]})
    '{"a":[0,1e-7,"é"],"b":1}'
    """
    if isinstance(value, Mapping):
        members = sorted(value.items(), key=lambda member: _utf16(member[0]))
        return "{" + ",".join(f"{canonical(key)}:{canonical(item)}" for key, item in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    return dumps(value, ensure_ascii=False)


def body_hash(value: Any) -> str:
    """SHA-256 of the canonical form, as 64 hex characters."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """A double as ECMAScript writes it."""
    if value.is_integer() and abs(value) < _PLAIN_LIMIT:
        return str(int(value))
    shortest = Decimal(repr(value))
    if 1e-6 <= abs(value) < _PLAIN_LIMIT:
        return f"{shortest:f}"
    digits = shortest.normalize().as_tuple().digits
    power = shortest.adjusted()
    fraction = "".join(map(str, digits[1:]))
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[0]}{'.' if fraction else ''}{fraction}e{'+' if power > 0 else ''}{power}"
