"""From the calendar object of the API and of calendars.toml to a BusinessCalendar, reporting every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any

from taskhub.calendars.calendar import WEEKDAYS, BusinessCalendar
from taskhub.calendars.openings import Opening, overlaps
from taskhub.calendars.problems import CalendarNeverOpens, CalendarProblem, Problem
from taskhub.calendars.zones import load_zone

CALENDAR_KEYS = ("tz", "weekly", "special_dates", "holidays", "holiday_region", "breaks")
MOST_OPENINGS = 100  # of one day
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse(
    mapping: Mapping[str, Any], *, key: str, holidays: Iterable[date] = (), at: datetime | None = None
) -> BusinessCalendar:
    """Check and build a calendar.

    `holidays` are the dates the caller resolved from `holiday_region`; own dates are added to them. With `at` the
    calendar must open within five years of it; without, it must open at all. Raises CalendarProblem with all
    problems, or CalendarNeverOpens when that is the only one.
    """
    if not isinstance(mapping, Mapping):
        raise CalendarProblem([("", "must be a table with tz and weekly")])
    reader = _Reader()
    reader.check_keys(mapping)
    tz = reader.zone(mapping.get("tz"))
    weekly = reader.weekly(mapping.get("weekly", {}))
    special = reader.dated(mapping.get("special_dates", {}), "special_dates")
    breaks = reader.dated(mapping.get("breaks", {}), "breaks", overnight=False)
    own = reader.holidays(mapping.get("holidays", []))
    if reader.problems:
        raise CalendarProblem(reader.problems)
    calendar = BusinessCalendar(key, tz, weekly, special, frozenset(own).union(holidays), breaks)
    _check_opens(calendar, at)
    return calendar


def _check_opens(calendar: BusinessCalendar, at: datetime | None) -> None:
    dates = [day for day, openings in calendar.special_dates.items() if openings]
    first = datetime.combine(min(dates), time(), UTC) if dates else None
    # A weekly opening comes back for ever, so any start tells; special dates alone are reached from the first one.
    start = at or (first if not any(calendar.weekly.values()) and first else datetime(2000, 1, 1, tzinfo=UTC))
    try:
        calendar.next_opening(start)
    except CalendarNeverOpens:
        raise CalendarNeverOpens([("weekly", "the calendar does not open within five years")]) from None


class _Reader:
    """Reads the parts of one calendar object and notes what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def check_keys(self, mapping: Mapping[str, Any]) -> None:
        for name in mapping:
            if name not in CALENDAR_KEYS:
                self._note(str(name), "unknown key" + _did_you_mean(str(name), CALENDAR_KEYS))
        if not isinstance(mapping.get("holiday_region", ""), str):
            self._note("holiday_region", "must be text such as FR or DE-BY")

    def zone(self, value: Any) -> str:
        if value is None:
            self._note("tz", "is missing; use an IANA name such as Europe/Paris")
        elif not isinstance(value, str):
            self._note("tz", "must be text such as Europe/Paris")
        else:
            self._attempt("tz", load_zone, value)
        return str(value)

    def weekly(self, value: Any) -> dict[str, list[Opening]]:
        found = {}
        for name, openings in self._table(value, "weekly").items():
            if name in WEEKDAYS:
                found[name] = self._openings(openings, f"weekly.{name}")
            else:
                nearest = _did_you_mean(str(name).lower()[:3], WEEKDAYS)
                self._note(f"weekly.{name}", "unknown weekday" + (nearest or "; use mon to sun"))
        return found

    def dated(self, value: Any, path: str, *, overnight: bool = True) -> dict[date, list[Opening]]:
        found = {}
        for name, openings in self._table(value, path).items():
            here = f"{path}.{name}"
            day = self._date(name, here)
            parsed = self._openings(openings, here)
            if not overnight and any(one.overnight for one in parsed):
                self._note(here, "a break lies inside one date; write one on each date")
            if day is not None:
                found[day] = parsed
        return found

    def holidays(self, value: Any) -> list[date]:
        if not isinstance(value, list | tuple | set | frozenset):
            self._note("holidays", 'must be a list of dates such as ["2026-12-25"]')
            return []
        days = [self._date(one, f"holidays[{index}]") for index, one in enumerate(value)]
        return [day for day in days if day is not None]

    def _openings(self, value: Any, path: str) -> list[Opening]:
        if not isinstance(value, list | tuple):
            self._note(path, 'must be a list of openings such as ["09:00-12:00", "13:00-17:00"]')
            return []
        if len(value) > MOST_OPENINGS:
            self._note(path, f"has {len(value)} openings; write at most {MOST_OPENINGS}")
            return []
        parsed = [self._opening(text, f"{path}[{index}]") for index, text in enumerate(value)]
        found = [(index, one) for index, one in enumerate(parsed) if one is not None]
        for later, earlier in overlaps([one for _, one in found]):
            self._note(f"{path}[{found[later][0]}]", f"{found[later][1]} overlaps {found[earlier][1]}")
        return [one for _, one in found]

    def _opening(self, value: Any, path: str) -> Opening | None:
        if isinstance(value, Opening):
            return value
        if not isinstance(value, str):
            self._note(path, "must be text such as 09:00-12:00")
            return None
        opening: Opening | None = self._attempt(path, Opening.parse, value)
        return opening

    def _date(self, value: Any, path: str) -> date | None:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and _DATE.fullmatch(value):
            day: date | None = self._attempt(path, date.fromisoformat, value)
            return day
        self._note(path, f"{str(value)!r} is not a date; write it like 2026-12-25")
        return None

    def _table(self, value: Any, path: str) -> Mapping[Any, Any]:
        if isinstance(value, Mapping):
            return value
        self._note(path, "must be a table")
        return {}

    def _attempt(self, path: str, read: Any, text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            self._note(path, str(error))
            return None

    def _note(self, path: str, message: str) -> None:
        self.problems.append((path, message))


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]}?" if nearest else ""
