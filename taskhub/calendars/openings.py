"""One opening of a day, as people write it: `09:00-12:00`, `22:00-06:00`, `00:00-24:00`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from taskhub.calendars.instants import MINUTES_A_DAY

_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)


def parse_time(text: str) -> int:
    """Minutes after midnight of `HH:MM`, 00:00 to 24:00; ValueError otherwise.

    >>> parse_time("17:30"), parse_time("24:00")
    (1050, 1440)
    """
    match = _TIME.fullmatch(text.strip())
    minute = int(match[1]) * 60 + int(match[2]) if match else -1
    if match is None or int(match[2]) > 59 or minute > MINUTES_A_DAY:
        raise ValueError(f"{text.strip()!r} is not a time of day; write HH:MM, from 00:00 to 24:00")
    return minute


def format_time(minute: int) -> str:
    """`HH:MM` of minutes after midnight.

    >>> format_time(1050)
    '17:30'
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """Minutes after local midnight of the day the opening starts; `closes` lies in (opens, opens + 1440).

    A whole day is 0 to 1440; a night shift closes after 1440.

    >>> Opening.parse("22:00-06:00")
    Opening(opens=1320, closes=1800)
    >>> str(Opening(1320, 1800))
    '22:00-06:00'
    """

    opens: int
    closes: int

    def __post_init__(self) -> None:
        whole_day = self.opens == 0 and self.closes == MINUTES_A_DAY
        night = 0 <= self.opens < MINUTES_A_DAY and self.opens < self.closes < self.opens + MINUTES_A_DAY
        if not (whole_day or night):
            raise ValueError(f"an opening from minute {self.opens} to minute {self.closes} is not possible")

    @classmethod
    def parse(cls, text: str) -> Opening:
        """Read `HH:MM-HH:MM`; an end at or before the start lies on the next day. ValueError otherwise."""
        first, dash, last = text.partition("-")
        if not dash:
            raise ValueError(f"{text!r} is not an opening; write it like 09:00-12:00")
        opens, closes = parse_time(first), parse_time(last)
        if opens == closes:
            raise ValueError(f"{text!r} opens and closes at the same time; a whole day is 00:00-24:00")
        if opens == MINUTES_A_DAY:
            raise ValueError(f"{text!r} starts at 24:00; write 00:00 on the next day")
        return cls(opens, closes if closes > opens else closes + MINUTES_A_DAY)

    def __str__(self) -> str:
        closes = self.closes if self.closes <= MINUTES_A_DAY else self.closes - MINUTES_A_DAY
        return f"{format_time(self.opens)}-{format_time(closes)}"

    @property
    def overnight(self) -> bool:
        """Whether it reaches into the next date."""
        return self.closes > MINUTES_A_DAY


def overlaps(openings: Sequence[Opening]) -> list[tuple[int, int]]:
    """Positions (later, earlier) in the list: each opening that overlaps one before it, once; touching is fine.

    >>> overlaps([Opening(540, 720), Opening(720, 800), Opening(700, 710)])
    [(2, 0)]
    """
    found = []
    for later, one in enumerate(openings):
        clash = (
            at for at, other in enumerate(openings[:later]) if one.opens < other.closes and other.opens < one.closes
        )
        found += [(later, earlier) for earlier in islice(clash, 1)]
    return found
