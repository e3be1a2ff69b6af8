"""The business calendar: when time counts, and arithmetic in counted time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from taskhub.calendars.explain import Interval, explain
from taskhub.calendars.hours import Hours
from taskhub.calendars.instants import in_utc, local_reading, to_instant, to_micros
from taskhub.calendars.openings import Opening
from taskhub.calendars.problems import CalendarProblem
from taskhub.calendars.timeline import Timeline
from taskhub.calendars.zones import load_zone

_NOTHING = timedelta()
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

OpeningsByDate = Mapping[date, Sequence[Opening]]


@dataclass(frozen=True, eq=False)
class BusinessCalendar:
    """Immutable; equal and hashed by content; safe to share between threads.

    `weekly` maps mon … sun to the openings that start on that weekday, `special_dates` replaces them for one date,
    `holidays` closes whole local dates (a special date wins), `breaks` closes parts of a date. Instants go in
    aware, in any zone, and come out in UTC; a naive one raises ValueError. Durations are real seconds.

    >>> from datetime import UTC
    >>> office = BusinessCalendar("office", "Europe/Paris", {"mon": [Opening.parse("09:00-17:00")]})
    >>> office.add(datetime(2026, 1, 2, tzinfo=UTC), timedelta(hours=9))
    datetime.datetime(2026, 1, 12, 9, 0, tzinfo=datetime.timezone.utc)
    """

    key: str
    tz: str
    weekly: Mapping[str, Sequence[Opening]]
    special_dates: OpeningsByDate = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    breaks: OpeningsByDate = field(default_factory=dict)
    hours: Hours = field(init=False, repr=False)
    _timeline: Timeline = field(init=False, repr=False)
    _content: tuple[Any, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unknown = [(f"weekly.{day}", "is not a weekday, mon to sun") for day in self.weekly if day not in WEEKDAYS]
        if unknown:
            raise CalendarProblem(unknown)
        try:
            zone = load_zone(self.tz)
        except ValueError as error:
            raise CalendarProblem([("tz", str(error))]) from None
        weekly = tuple(tuple(sorted(self.weekly.get(day, ()))) for day in WEEKDAYS)
        special, breaks = _by_ordinal(self.special_dates), _by_ordinal(self.breaks)
        holidays = frozenset(day.toordinal() for day in self.holidays)
        hours = Hours(zone, weekly, special, holidays, breaks)
        content = (self.key, self.tz, weekly, frozenset(special.items()), holidays, frozenset(breaks.items()))
        object.__setattr__(self, "hours", hours)
        object.__setattr__(self, "_timeline", Timeline(hours))
        object.__setattr__(self, "_content", content)

    def __eq__(self, other: object) -> bool:
        return self._content == other._content if isinstance(other, BusinessCalendar) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content)

    def __reduce__(self) -> tuple[type[BusinessCalendar], tuple[Any, ...]]:
        return type(self), (
            self.key,
            self.tz,
            dict(self.weekly),
            dict(self.special_dates),
            self.holidays,
            dict(self.breaks),
        )

    def add(self, start: datetime, budget: timedelta) -> datetime:
        """The earliest instant by which `budget` of open time has passed since `start`.

        A zero budget is due at `start` inside hours, else at the next opening. Raises ValueError for a negative
        budget, CalendarNeverOpens after five years without an opening, SpanTooLong after a hundred years.
        """
        if budget < _NOTHING:
            raise _negative(budget)
        return self._timeline.add(start if start.tzinfo is UTC else in_utc(start), budget)

    def sub(self, end: datetime, budget: timedelta) -> datetime:
        """The latest instant t with elapsed(t, end) == budget; `end` itself for a zero budget. Raises like add."""
        if budget < _NOTHING:
            raise _negative(budget)
        return self._timeline.sub(in_utc(end), budget)

    def elapsed(self, begin: datetime, end: datetime) -> timedelta:
        """Open time between two instants; ValueError when `end` lies before `begin`."""
        return self._timeline.elapsed(*_ordered(begin, end))

    def is_open(self, at: datetime) -> bool:
        """Whether time counts from `at` on: true exactly at opening time, false exactly at closing time."""
        return self._timeline.is_open(in_utc(at))

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself when open, else the first instant after it that is; CalendarNeverOpens beyond five years."""
        return self._timeline.next_opening(in_utc(at))

    def segments(self, begin: datetime, end: datetime) -> Iterator[Interval]:
        """Intervals that fill [begin, end] without gaps, each with whether it counts and why (WHY of explain)."""
        return explain(self.hours, *_ordered(begin, end))

    def open_spans(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Open time inside [begin, end), in order; some spans may touch."""
        return self._timeline.spans(*_ordered(begin, end))

    def local_date(self, at: datetime) -> date:
        """The date the clocks of the calendar's zone show."""
        return in_utc(at).astimezone(self.hours.zone).date()

    def local_time(self, on: date, minute: int) -> datetime:
        """The instant at which local clocks show `minute` minutes after midnight of that date.

        A reading inside a gap moves forward by the gap; of two occurrences the first is meant.
        """
        return to_instant(local_reading(self.hours.zone, on.toordinal(), minute))

    def working_day(self, on: date) -> bool:
        """Whether some opening that starts on that date is really open; a night shift belongs to its first date."""
        return bool(self.hours.shift(on.toordinal()))

    def opens_on(self, on: date) -> datetime | None:
        """When the first opening that starts on that date opens; None when it is no working day."""
        shift = self.hours.shift(on.toordinal())
        return to_instant(shift[0][0]) if shift else None

    def closes_on(self, on: date) -> datetime | None:
        """When the last opening that starts on that date closes, maybe the next morning; None as in opens_on."""
        shift = self.hours.shift(on.toordinal())
        return to_instant(shift[-1][1]) if shift else None

    def business_date(self, at: datetime) -> date:
        """The working day `at` belongs to: the local date, or the day before while only its night shift is open."""
        today, now = self.local_date(at), to_micros(at)
        serving = [
            ordinal
            for ordinal in (today.toordinal(), today.toordinal() - 1)
            if any(begin <= now < end for begin, end in self.hours.shift(ordinal))
        ]
        return date.fromordinal(serving[0]) if serving else today


def _by_ordinal(dates: OpeningsByDate) -> dict[int, tuple[Opening, ...]]:
    return {day.toordinal(): tuple(sorted(openings)) for day, openings in dates.items()}


def _ordered(begin: datetime, end: datetime) -> tuple[datetime, datetime]:
    first, last = in_utc(begin), in_utc(end)
    if last < first:
        raise ValueError(f"{end.isoformat()} lies before {begin.isoformat()}")
    return first, last


def _negative(budget: timedelta) -> ValueError:
    return ValueError(f"a budget cannot be negative: {budget}")
