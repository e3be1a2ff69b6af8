"""Whether a person is there: shifts, absences and presence at one instant.

Shifts are weekly openings in the person's own zone and follow the rules of business calendars (night shifts belong to
the day they start, the change to summer time included). No shifts means always on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from taskhub.calendars import (
    WEEKDAYS,
    BusinessCalendar,
    CalendarNeverOpens,
    CalendarProblem,
    Opening,
    open_spans,
    parse,
)

Weekly = tuple[tuple[str, tuple[str, ...]], ...]
Absences = Sequence[tuple[datetime, datetime | None]]

DAYS = WEEKDAYS
PRESENCES = ("available", "busy", "away", "offline")
OUT = ("away", "offline")
USUAL_DAY = 480.0
_LOOK_AHEAD = timedelta(days=15)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def weekly(raw: Mapping[str, Iterable[str]]) -> Weekly:
    """Shifts as people write them, in their one canonical form; days without an opening vanish.

    >>> weekly({"tue": ["13:00-17:00", "09:00-12:00"], "mon": []})
    (('tue', ('09:00-12:00', '13:00-17:00')),)
    """
    return tuple((day, openings) for day in DAYS if (openings := tuple(sorted(raw.get(day, ()))))) if raw else ()


def on_shift(time_zone: str, shifts: Weekly, now: datetime) -> bool:
    """Whether ``now`` lies inside a shift; a shift that ends now is over.

    >>> from datetime import UTC
    >>> on_shift("Europe/Paris", (("mon", ("09:00-12:00",)),), datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
    True
    """
    return not shifts or _span_at(time_zone, shifts, now) is not None


def shift_end(time_zone: str, shifts: Weekly, now: datetime) -> datetime | None:
    """When the shift under way ends; None off shift, and where no end is in sight within a day."""
    span = _span_at(time_zone, shifts, now) if shifts else None
    return span[1] if span and span[1] < now + _DAY else None


def next_shift(time_zone: str, shifts: Weekly, now: datetime) -> datetime | None:
    """When the next shift starts after ``now``; None for people without shifts, and where none starts in two weeks."""
    if not shifts:
        return None
    spans = open_spans([_calendar(time_zone, shifts)], now - _DAY, now + _LOOK_AHEAD)
    return next((begin for begin, _ in spans if begin > now), None)


def day_start(time_zone: str, now: datetime) -> datetime:
    """The midnight with which the local date of ``now`` began, in UTC.

    >>> from datetime import UTC
    >>> day_start("Europe/Paris", datetime(2026, 1, 5, 8, 30, tzinfo=UTC)).isoformat()
    '2026-01-04T23:00:00+00:00'
    """
    local = now.astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def shift_minutes(time_zone: str, shifts: Weekly, now: datetime) -> float:
    """Minutes of shift on the local date of ``now``; for people who are always on, a usual day's."""
    if not shifts:
        return USUAL_DAY
    start = day_start(time_zone, now)
    end = day_start(time_zone, start + _DAY + timedelta(hours=6))
    spans = open_spans([_calendar(time_zone, shifts)], start, end)
    return sum((min(until, end) - max(since, start)).total_seconds() for since, until in spans) / 60


def absent(absences: Absences, at: datetime) -> bool:
    """Whether one of the absences covers that instant; the end is the first instant back."""
    return bool(absences) and any(since <= at and (until is None or at < until) for since, until in absences)


def present(presence: str, until: datetime | None, now: datetime) -> str:
    """The presence that holds now: one that ended turns into available, an ended ``available`` into offline.

    >>> from datetime import UTC
    >>> present("busy", datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC))
    'available'
    """
    if until is None or now < until:
        return presence
    return "offline" if presence == "available" else "available"


def inside(time_zone: str, openings: Weekly, now: datetime) -> bool:
    """Whether ``now`` lies inside one of the openings; none means never."""
    return bool(openings) and _span_at(time_zone, openings, now) is not None


def problems(openings: object) -> list[tuple[str, str]]:
    """What is wrong with weekly openings as written: (path below them, message) pairs. None at all is fine."""
    try:
        parse({"tz": "UTC", "weekly": openings}, key="openings")
    except CalendarNeverOpens:
        return []
    except CalendarProblem as found:
        return [(path.removeprefix("weekly"), message) for path, message in found.problems]
    return []


def _span_at(time_zone: str, shifts: Weekly, now: datetime) -> tuple[datetime, datetime] | None:
    spans = _spans_around(time_zone, shifts, now.replace(minute=0, second=0, microsecond=0))
    return next((span for span in spans if span[0] <= now < span[1]), None)


# People share few patterns; passes and claims ask about them at instant after instant of the same hour.
@lru_cache(maxsize=4096)
def _spans_around(time_zone: str, shifts: Weekly, hour: datetime) -> tuple[tuple[datetime, datetime], ...]:
    return tuple(open_spans([_calendar(time_zone, shifts)], hour - _DAY, hour + _HOUR + _DAY))


@lru_cache(maxsize=1024)
def _calendar(time_zone: str, shifts: Weekly) -> BusinessCalendar:
    return BusinessCalendar("shifts", time_zone, {day: tuple(map(Opening.parse, openings)) for day, openings in shifts})
