"""Durations as people write them: `15m`, `4h`, `14d`, `1h30m`, `30s`."""

from __future__ import annotations

import re
from datetime import timedelta

_FORM = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def parse_duration(text: str) -> timedelta:
    """A duration of days (24 hours each), hours, minutes and seconds, in that order; ValueError otherwise.

    >>> parse_duration("1h30m"), parse_duration("14d")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=14))
    """
    match = _FORM.fullmatch(re.sub(r"\s+", "", text.lower()))
    if match is None or not match[0]:
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 15m, 4h, 1h30m or 14d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def format_duration(value: timedelta, *, days: bool = True) -> str:
    """The shortest form `parse_duration` reads back; fractions of a second are cut, a minus sign goes in front.

    With `days=False` hours are the largest unit, as open time wants it.

    >>> format_duration(timedelta(hours=26)), format_duration(timedelta(hours=26), days=False)
    ('1d2h', '26h')
    """
    seconds = int(abs(value).total_seconds())
    parts = []
    for unit, size in _UNITS if days else _UNITS[1:]:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if value < timedelta() and parts else "") + ("".join(parts) or "0s")
