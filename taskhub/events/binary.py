"""Binary mode: attributes travel as ``ce-`` headers, each percent-encoded once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from taskhub.errors import InvalidInput

_PREFIX = "ce-"
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def is_binary(headers: Mapping[str, str]) -> bool:
    """Whether these headers (lower-case names) say that the envelope is in them."""
    return any(name.startswith(_PREFIX) for name in headers)


def attributes_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The attributes by their own names, decoded; ``InvalidInput`` with ``bad_attribute`` when that is impossible."""
    return {
        name.removeprefix(_PREFIX): _decoded(name, value) for name, value in headers.items() if name.startswith(_PREFIX)
    }


def _decoded(name: str, value: str) -> str:
    text = _unquoted(value.strip())
    if _BROKEN.search(text):
        raise _bad(name)
    try:
        return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode()).decode("utf-8")
    except UnicodeError:
        raise _bad(name) from None


def _unquoted(value: str) -> str:
    """HTTP's quoted strings: the quotes go, and a backslash protects what follows it."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _bad(name: str) -> InvalidInput:
    return InvalidInput(
        f"The header {name} is not percent-encoded UTF-8.", code="bad_attribute", attribute=name.removeprefix(_PREFIX)
    )
