"""IANA time zones, and what somebody probably meant who wrote another name."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones


def load_zone(name: str) -> ZoneInfo:
    """The zone of that IANA name; ValueError naming the nearest one otherwise."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(_unknown(name)) from None


def _unknown(name: str) -> str:
    nearest = nearest_zone(name)
    hint = f"did you mean {nearest}?" if nearest else "use an IANA name such as Europe/Paris"
    return f"{name!r} is not a time zone; {hint}"


def nearest_zone(name: str) -> str | None:
    """The valid name closest in spelling, by whole name or by city alone; None when nothing is close.

    >>> nearest_zone("europe/pariss"), nearest_zone("Tokyo")
    ('Europe/Paris', 'Asia/Tokyo')
    """
    wanted = name.strip().replace(" ", "_").lower()
    names = sorted(available_timezones())
    whole = {known.lower(): known for known in names}
    cities = {known.lower().rpartition("/")[2]: known for known in names if "/" in known}
    for spellings in (whole, cities):
        found = get_close_matches(wanted, spellings, n=1, cutoff=0.75)
        if found:
            return spellings[found[0]]
    return None
