"""The forms in which a back office promises a due time, and the text people write for them.

| text | type |
|---|---|
| `4h`, `90m`, `30s`, `1h30m` | OpenTime |
| `2 working days, end of day`, `2 working days, 17:00` | WorkingDays |
| `same day if in before 15:00` | SameDay |
| `last working day of the month, 17:00` | MonthEnd |
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from taskhub.calendars.durations import format_duration, parse_duration
from taskhub.calendars.openings import format_time, parse_time

END_OF_DAY = "end of day"
MOST_DAYS = 400
MOST_OPEN_TIME = timedelta(hours=10_000)

FORMS = (
    "4h or 1h30m (open time)",
    "2 working days, end of day",
    "2 working days, 17:00",
    "same day if in before 15:00",
    "last working day of the month, 17:00",
)


@dataclass(frozen=True, slots=True)
class OpenTime:
    """So much open time after the work became ready."""

    budget: timedelta

    def __str__(self) -> str:
        return format_duration(self.budget, days=False)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The `days`-th working day after the day the work came in, at `minute` after midnight; None: at closing time."""

    days: int
    minute: int | None = None

    def __str__(self) -> str:
        return f"{self.days} working day{'s' if self.days > 1 else ''}, {_moment(self.minute)}"


@dataclass(frozen=True, slots=True)
class SameDay:
    """Closing time of the day the work came in, if that was before `cut_off` minutes after midnight.

    Otherwise closing time of the next working day.
    """

    cut_off: int

    def __str__(self) -> str:
        return f"same day if in before {format_time(self.cut_off)}"


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The last working day of the month the work came in, at `minute` after midnight; None: at closing time."""

    minute: int | None = None

    def __str__(self) -> str:
        return f"last working day of the month, {_moment(self.minute)}"


Target = OpenTime | WorkingDays | SameDay | MonthEnd


def parse_target(text: str) -> Target:
    """Read one of FORMS, whatever the case and spacing; ValueError naming the valid forms otherwise.

    >>> parse_target("2 working days, 17:00")
    WorkingDays(days=2, minute=1020)
    """
    words = " ".join(text.lower().split())
    for form, read in _READERS:
        match = form.fullmatch(words)
        if match:
            return read(match)
    return _open_time(text)


def _working_days(match: re.Match[str]) -> Target:
    days = int(match[1])
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"{match[0]!r}: the number of working days goes from 1 to {MOST_DAYS}")
    return WorkingDays(days, _minute(match[2]))


def _same_day(match: re.Match[str]) -> Target:
    return SameDay(parse_time(match[1]))


def _month_end(match: re.Match[str]) -> Target:
    return MonthEnd(_minute(match[1]))


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Target]], ...] = (
    (re.compile(r"(\d{1,6}) working days?, ?(\S+|end of day)", re.ASCII), _working_days),
    (re.compile(r"same day if in before (\S+)"), _same_day),
    (re.compile(r"last working day of the month, ?(\S+|end of day)"), _month_end),
)


def _open_time(text: str) -> Target:
    try:
        budget = parse_duration(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a target; write one of: {' · '.join(FORMS)}") from None
    if "d" in text.lower():
        raise ValueError(f"{text!r}: write working days ('2 working days, end of day') or hours of open time ('16h')")
    if not timedelta() < budget <= MOST_OPEN_TIME:
        longest = format_duration(MOST_OPEN_TIME, days=False)
        raise ValueError(f"{text!r}: open time must be more than nothing and at most {longest}")
    return OpenTime(budget)


def _minute(text: str) -> int | None:
    return None if text == END_OF_DAY else parse_time(text)


def _moment(minute: int | None) -> str:
    return END_OF_DAY if minute is None else format_time(minute)
