"""The one strict JSON reader: everything a stranger sends passes here first.

What it refuses, it refuses with ``InvalidInput`` and a stable code, and with the position where it knows one:
``too_large`` · ``byte_order_mark`` · ``not_utf8`` · ``not_json`` (truncated, trailing bytes, NaN, Infinity) ·
``too_deep`` · ``too_many_keys`` · ``duplicate_key`` · ``number_out_of_range`` · ``bad_text`` (null characters, lone
surrogates).
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Never

from taskhub.errors import InvalidInput
from taskhub.events.decimals import real

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 64  # a Dataverse context nests its parents: about 8 levels of its own plus one per parent, up to 16
MAX_KEYS = 20_000
_INT_LIMIT = 1 << 63
_INT_DIGITS = 20
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
# The closing quote is optional: an open string then swallows the rest at once, and the scan stays linear.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def read_json(body: bytes, *, max_bytes: int = MAX_BYTES, exact: bool = False) -> Any:
    """The one JSON value in ``body``, with every key unique, every number finite and every string storable.

    ``exact``: a number whose digits a double cannot hold is an ``Exact``, which knows them.

    >>> read_json(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    if len(body) > max_bytes:
        raise InvalidInput(f"The body is larger than {max_bytes} bytes.", code="too_large", limit=max_bytes)
    text = _decoded(body)
    _check_shape(text)
    value = _parsed(text, _exactly if exact else _real)
    if "\\u" in text:
        _check_strings(value)
    return value


def _decoded(body: bytes) -> str:
    if body.startswith(_BOMS):
        raise InvalidInput("The body starts with a byte order mark.", code="byte_order_mark", position=0)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"The body is not UTF-8 at byte {error.start}."
        raise InvalidInput(problem, code="not_utf8", position=error.start) from None


def _check_shape(text: str) -> None:
    """Depth before parsing: the parser recurses. Strings are blanked out so that brackets inside them do not count."""
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(lambda found: " " * len(found[0]), text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidInput(
                f"Nested deeper than {MAX_DEPTH} levels at character {bracket.start()}.",
                code="too_deep",
                position=bracket.start(),
                limit=MAX_DEPTH,
            )


def _parsed(text: str, real_: Callable[[str], float]) -> Any:
    keys = 0

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys
        keys += len(pairs)
        if keys > MAX_KEYS:
            raise InvalidInput(f"More than {MAX_KEYS} keys.", code="too_many_keys", limit=MAX_KEYS)
        value = dict(pairs)
        if len(value) < len(pairs):
            raise _twice(pairs)
        return value

    try:
        return json.loads(
            text, object_pairs_hook=unique, parse_constant=_no_constant, parse_int=_integer, parse_float=real_
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"Not JSON: {error.msg} at character {error.pos}.", code="not_json", position=error.pos
        ) from None


def _twice(pairs: list[tuple[str, Any]]) -> InvalidInput:
    [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
    shown = ascii(key[:100])
    return InvalidInput(f"The key {shown} stands twice in one object.", code="duplicate_key", key=shown)


def _no_constant(name: str) -> Never:
    raise InvalidInput(f"{name} is not a JSON number.", code="not_json")


def _integer(digits: str) -> int:
    if len(digits) > _INT_DIGITS or not -_INT_LIMIT <= int(digits) < _INT_LIMIT:
        raise InvalidInput(f"The number {digits[:40]} does not fit 64 bits.", code="number_out_of_range")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise InvalidInput(f"The number {digits[:40]} is out of range.", code="number_out_of_range")
    return value


def _exactly(digits: str) -> float:
    _real(digits)
    return real(digits)


def storable(text: str) -> bool:
    r"""Whether a database can keep ``text``: no null characters, no halves of surrogate pairs.

    >>> storable("né"), storable("a\x00"), storable("\ud800")
    (True, False, False)
    """
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _check_strings(value: Any) -> None:
    for text in _strings(value):
        if not storable(text):
            raise InvalidInput(f"Text with a null character or half a surrogate pair: {text[:40]!a}.", code="bad_text")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
