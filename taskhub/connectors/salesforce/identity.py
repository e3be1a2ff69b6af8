"""Salesforce's ids: 15 characters in which case counts, or 18 in which the last three say the case again. Pure."""

from __future__ import annotations

import re
from typing import Any

from taskhub.events.fields import BadField
from taskhub.policy.policies import Connection

OURSELVES = "taskhub"  # by whom a change was made that names taskhub as its client; no id of theirs is as short
EVERY_RECORD = "000000000000000AAA"  # the record id of an overflow
_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", re.ASCII)
_WILDCARD = re.compile(r"[0-9A-Za-z]{3,17}\*", re.ASCII)
_CASE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(path: str, value: Any) -> str:
    """The form with 18 characters; raises ``BadField`` for what is no id.

    >>> full_id("id", "00Q5f000005bwLF")
    '00Q5f000005bwLFEAY'
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadField(path, "is no Salesforce id of 15 or 18 characters")
    return value if len(value) == 18 else value + "".join(_case_of(value[at : at + 5]) for at in (0, 5, 10))


def same_id(one: str, other: str) -> bool:
    """Whether both name one thing, whichever form they have."""
    return len(one) in (15, 18) and len(other) in (15, 18) and one[:15] == other[:15]


def is_wildcard(value: Any) -> bool:
    """Whether it stands for many records, such as ``001*``, and not for one."""
    return isinstance(value, str) and (value == EVERY_RECORD or _WILDCARD.fullmatch(value) is not None)


def ours(connection: Connection, path: str, value: Any) -> str | None:
    """Their id as an id of ours, None for none: ids of two systems never meet."""
    return None if value in (None, "") else f"{connection.key}:{full_id(path, value)}"


def _case_of(five: str) -> str:
    return _CASE[sum(1 << place for place, char in enumerate(five) if char.isupper())]
