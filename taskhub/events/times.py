"""Instants as senders write them: RFC 3339 and nothing looser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

NO_OFFSET = "+00:00"
FIRST_YEAR, LAST_YEAR = 1970, 2199
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_instant(text: str) -> datetime:
    """An aware UTC instant; raises ``ValueError`` in words. Digits beyond microseconds are dropped.

    A leap second is the second after it.

    >>> read_instant("2018-04-05T19:31:00+02:00").isoformat()
    '2018-04-05T17:31:00+00:00'
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("not an RFC 3339 time with a zone, such as 2026-01-31T09:00:00Z")
    *numbers, fraction, zone = found.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year must be between {FIRST_YEAR} and {LAST_YEAR}")
    leap = second == 60
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, 59 if leap else second, micro, tzinfo=_zone(zone))
    return local.astimezone(UTC) + timedelta(seconds=leap)


def written(at: datetime) -> str:
    """An instant as answers write it.

    >>> written(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
    '2026-01-31T09:30:00Z'
    """
    return in_one_form(at.astimezone(UTC).isoformat())


def in_one_form(kept: str) -> str:
    """The same of an instant that is kept as text; other text as it is."""
    return f"{kept.removesuffix(NO_OFFSET)}Z" if kept.endswith(NO_OFFSET) else kept


def _zone(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError("the zone offset is out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
