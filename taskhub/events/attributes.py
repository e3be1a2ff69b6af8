"""The envelope of a CloudEvent: the attributes that name a fact. What is wrong here is refused, whoever sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.errors import InvalidInput
from taskhub.events.times import read_instant

REQUIRED = ("specversion", "id", "source", "type")
MAX_ATTRIBUTE = 1_024
# Control characters, halves of surrogate pairs and non-characters: CloudEvents forbids them in text.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What taskhub reads of an envelope; ``time`` is None when the sender gave none."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    content_type: str | None


def read_attributes(raw: Mapping[str, Any]) -> Attributes:
    """The checked envelope, or ``InvalidInput`` with code ``missing_attribute``, ``bad_attribute`` or ``bad_time``."""
    for name in REQUIRED:
        if raw.get(name) in (None, ""):
            raise InvalidInput(f"The attribute {name} is missing.", code="missing_attribute", attribute=name)
    texts = {name: _text(name, raw.get(name)) for name in (*REQUIRED, "subject", "datacontenttype")}
    if texts["specversion"] != "1.0":
        raise _bad("specversion", 'must be "1.0"')
    return Attributes(
        id=texts["id"] or "",
        source=texts["source"] or "",
        type=texts["type"] or "",
        subject=texts["subject"],
        time=_time(raw.get("time")),
        content_type=texts["datacontenttype"],
    )


def _text(name: str, value: Any) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise _bad(name, "must be text")
    if len(value) > MAX_ATTRIBUTE:
        raise _bad(name, f"is longer than {MAX_ATTRIBUTE} characters")
    if _FORBIDDEN.search(value):
        raise _bad(name, "holds control characters")
    return value


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput("The attribute time must be text.", code="bad_time", attribute="time")
    try:
        return read_instant(value)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"The attribute time cannot be read: {error}.", code="bad_time", attribute="time") from None


def _bad(name: str, problem: str) -> InvalidInput:
    return InvalidInput(f"The attribute {name} {problem}.", code="bad_attribute", attribute=name)
