"""The slices of a duty rota: half days, days or weeks of a zone's calendar, those with nothing open left out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NOON = time(13)
DAY = timedelta(days=1)


def slices(
    size: str, since: date, until: date, zone: str, is_open: Callable[[date], bool]
) -> list[tuple[datetime, datetime]]:
    """The slices of the dates [since, until) in order, as instants; a week begins on Monday and is one slice.

    ``size`` is half_day (until and from 13:00), day or week; ``is_open`` says whether any work is done on a date.

    >>> week = slices("week", date(2026, 11, 23), date(2026, 11, 30), "UTC", lambda on: True)
    >>> [(begin.isoformat(), end.isoformat()) for begin, end in week]
    [('2026-11-23T00:00:00+00:00', '2026-11-30T00:00:00+00:00')]
    """
    dates = [since + DAY * number for number in range((until - since).days)]
    found: list[tuple[datetime, datetime]] = []
    for begin, end, days in _spans(size, dates):
        if any(map(is_open, days)):
            found.append((_instant(begin, zone), _instant(end, zone)))
    return found


Local = tuple[date, time]


def _instant(local: Local, zone: str) -> datetime:
    return datetime.combine(*local, ZoneInfo(zone)).astimezone(UTC)


def _spans(size: str, dates: list[date]) -> Iterator[tuple[Local, Local, list[date]]]:
    midnight = time()
    if size == "week":
        weeks: dict[date, list[date]] = {}
        for on in dates:
            weeks.setdefault(on - DAY * on.weekday(), []).append(on)
        yield from (((days[0], midnight), (days[-1] + DAY, midnight), days) for days in weeks.values())
        return
    for on in dates:
        if size == "half_day":
            yield (on, midnight), (on, NOON), [on]
            yield (on, NOON), (on + DAY, midnight), [on]
        else:
            yield (on, midnight), (on + DAY, midnight), [on]
