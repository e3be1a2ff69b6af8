"""The rules of a calendar applied to one local date.

A local date is the time from its midnight to the next midnight, both read as `local_reading` does, so dates never
overlap and leave nothing out. A date that does not exist in the zone has no length, hence no openings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from taskhub.calendars.instants import DAY, FIRST_ORDINAL, LAST_ORDINAL, MINUTE, local_reading
from taskhub.calendars.openings import Opening
from taskhub.calendars.spans import Span, clip, subtract, unite

Openings = tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One local date in microseconds: its bounds, what is open, and what only a break closes."""

    begins: int
    ends: int
    open: list[Span]
    on_break: list[Span]
    holiday: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening rules keyed by date ordinal; `weekly` has seven entries, Monday first."""

    zone: ZoneInfo
    weekly: tuple[Openings, ...]
    special: Mapping[int, Openings]
    holidays: frozenset[int]
    breaks: Mapping[int, Openings]

    def begins(self, ordinal: int) -> int:
        """The first instant of the local date."""
        return local_reading(self.zone, ordinal, 0)

    def closed_all_day(self, ordinal: int) -> bool:
        """Whether it is a holiday; a special date of its own wins over the holiday."""
        return ordinal in self.holidays and ordinal not in self.special

    def starting(self, ordinal: int) -> list[Span]:
        """The openings that start on that date, to their very end, before breaks and later holidays."""
        return self._starting(ordinal, self.begins(ordinal), self.begins(ordinal + 1))

    def day(self, ordinal: int) -> Day:
        """Everything about one local date, the night shift of the day before included."""
        return next(self.days(ordinal, ordinal + 1))

    def days(self, first: int, last: int) -> Iterator[Day]:
        """The local dates of the ordinals first … last - 1, in order."""
        begins = self.begins(first)
        # The clocks of a zone never left out two dates in a row; the night before may lie beyond one left out.
        night = self.starting(first - 1 if self.begins(first - 1) < begins else first - 2)
        for ordinal in range(first, last):
            ends = self.begins(ordinal + 1)
            own = self._starting(ordinal, begins, ends)
            yield self._day(ordinal, begins, ends, night + own)
            if begins < ends:
                night, begins = own, ends

    def open_spans(self, first: int, last: int) -> list[Span]:
        """What is open on the local dates of the ordinals first … last - 1, united across midnights."""
        days = self.days(max(first, FIRST_ORDINAL), min(last, LAST_ORDINAL))
        return unite(span for day in days for span in day.open)

    def shift(self, ordinal: int) -> list[Span]:
        """What is really open of the openings that start on that date, night part included."""
        if not FIRST_ORDINAL <= ordinal < LAST_ORDINAL:
            return []
        served = [span for day in self.days(ordinal, ordinal + 3) for span in day.open]
        return [piece for span in unite(self.starting(ordinal)) for piece in clip(served, *span)]

    def _day(self, ordinal: int, begins: int, ends: int, openings: list[Span]) -> Day:
        if self.closed_all_day(ordinal) or begins >= ends:
            return Day(begins, ends, [], [], self.closed_all_day(ordinal))
        manned = unite(clip(openings, begins, ends))
        if ordinal not in self.breaks:
            return Day(begins, ends, manned, [], False)
        open_ = subtract(manned, self._spans(self.breaks[ordinal], ordinal, begins, ends))
        return Day(begins, ends, open_, subtract(manned, open_), False)

    def _starting(self, ordinal: int, begins: int, ends: int) -> list[Span]:
        if ordinal in self.special:
            return self._spans(self.special[ordinal], ordinal, begins, ends)
        return [] if ordinal in self.holidays else self._spans(self.weekly[(ordinal - 1) % 7], ordinal, begins, ends)

    def _spans(self, openings: Openings, ordinal: int, begins: int, ends: int) -> list[Span]:
        """Clock readings as instants; those of a date without length, and those that collapse, are left out."""
        if begins >= ends:
            return []
        # A date of 24 hours keeps one offset, so its clock readings are plain sums; a night's end is on the next date.
        regular = ends - begins == DAY
        spans = []
        for one in openings:
            opens = begins + one.opens * MINUTE if regular else local_reading(self.zone, ordinal, one.opens)
            plain = regular and not one.overnight
            closes = begins + one.closes * MINUTE if plain else local_reading(self.zone, ordinal, one.closes)
            if opens < closes:
                spans.append((opens, closes))
        return spans
