"""Content types, as far as reading events needs them."""

from __future__ import annotations

import re

from taskhub.errors import InvalidInput

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]+)', re.IGNORECASE)
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def essence(content_type: str | None) -> str:
    """Type and subtype in lower case, without parameters.

    >>> essence("Application/JSON; charset=utf-8")
    'application/json'
    """
    return (content_type or "").partition(";")[0].strip().lower()


def is_json(content_type: str | None) -> bool:
    """Whether data of that type is JSON; no type at all means JSON, as in the structured mode."""
    name = essence(content_type)
    return name in ("", "application/json", "text/json") or name.endswith("+json")


def check_charset(content_type: str | None) -> None:
    """Refuse bodies that say they are not UTF-8."""
    found = _CHARSET.search(content_type or "")
    if found and found[1].lower() not in _UTF8:
        raise unsupported(content_type)


def unsupported(content_type: str | None) -> InvalidInput:
    """The refusal of a content type (HTTP 415)."""
    shown = ascii((content_type or "")[:100])
    return InvalidInput(
        f"The content type {shown} is not supported: send {STRUCTURED}, {BATCH}, or ce-* headers with JSON data.",
        code="unsupported_media_type",
    )
