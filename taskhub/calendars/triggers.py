"""Calendar triggers of rules: `60 days before`, `every first working day`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DAYS_BEFORE = re.compile(r"(\d{1,4}) days? before", re.ASCII)
MOST_DAYS_BEFORE = 3660


@dataclass(frozen=True, slots=True)
class DaysBefore:
    """So many calendar days before a date of the record."""

    days: int

    def __str__(self) -> str:
        return f"{self.days} day{'' if self.days == 1 else 's'} before"


@dataclass(frozen=True, slots=True)
class EveryFirstWorkingDay:
    """Once a month, when its first working day opens."""

    def __str__(self) -> str:
        return "every first working day"


Trigger = DaysBefore | EveryFirstWorkingDay


def parse_trigger(text: str) -> Trigger:
    """Read a calendar trigger; ValueError naming the two forms otherwise.

    >>> parse_trigger("60 days before")
    DaysBefore(days=60)
    """
    words = " ".join(text.lower().split())
    if words == "every first working day":
        return EveryFirstWorkingDay()
    match = _DAYS_BEFORE.fullmatch(words)
    if match is None:
        raise ValueError(f"{text!r} is not a trigger; write '60 days before' or 'every first working day'")
    if int(match[1]) > MOST_DAYS_BEFORE:
        raise ValueError(f"{text!r}: at most {MOST_DAYS_BEFORE} days before")
    return DaysBefore(int(match[1]))
