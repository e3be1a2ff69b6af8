"""``[notifications]`` of escalation.toml: how people are told unless they say otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from taskhub.calendars import (
    WEEKDAYS,
    BusinessCalendar,
    CalendarNeverOpens,
    CalendarProblem,
    Opening,
    open_spans,
    parse,
)
from taskhub.policy.promise import HOSTED, SEVERITIES, NoticePolicy, Weekly
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.table import Table, shown

EVERY_DAY = "daily"
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=7)


def read(entry: Table | None) -> NoticePolicy:
    """The table, or what holds without one."""
    plain = NoticePolicy()
    if entry is None:
        return plain
    found = NoticePolicy(
        quiet_hours=_quiet(entry),
        digest_every=_between(entry, "digest_every", plain.digest_every),
        at_once=_severities(entry) if entry.has("at_once") else plain.at_once,
        bundle=entry.whole("bundle", plain.bundle, least=1, most=1_000),
        bundle_within=entry.duration("bundle_within", plain.bundle_within),
        personal_channels=entry.words("personal_channels") if entry.has("personal_channels") else HOSTED,
    )
    for name in ("at_once", "personal_channels"):
        entry.take(name)
    entry.done()
    return found


def _between(entry: Table, key: str, default: timedelta) -> timedelta:
    found = entry.duration(key, default)
    if not SHORTEST <= found <= LONGEST:
        entry.problem(key, f"{key} must lie between 5m and 7d.")
        return default
    return found


def _severities(entry: Table) -> tuple[str, ...]:
    found = entry.words("at_once")
    for index, one in enumerate(found):
        if one not in SEVERITIES:
            message = f"{shown(one)} is no severity; they are {', '.join(SEVERITIES)}."
            entry.problem(("at_once", index), message, nearest(one, SEVERITIES))
    return tuple(one for one in found if one in SEVERITIES)


def _quiet(entry: Table) -> Weekly:
    """Openings by weekday; ``daily`` stands for every day that is not named."""
    table = entry.table("quiet_hours")
    if table is None:
        return ()
    usual = table.words(EVERY_DAY)
    days = {day: table.words(day) if table.has(day) else usual for day in WEEKDAYS}
    for day in WEEKDAYS:
        table.take(day)
    table.done()
    for path, message in _problems({day: list(times) for day, times in days.items()}):
        table.problem((), f"{path.lstrip('.')}: {message}.")
        return ()
    weekly = tuple((day, times) for day, times in days.items() if times)
    if whole_week(weekly):
        table.problem((), "the quiet never ends; leave some time in which people may be told.")
        return ()
    return weekly


def whole_week(quiet_hours: Weekly) -> bool:
    """Whether they leave no moment in which anything may be said.

    >>> whole_week((("sat", ("00:00-24:00",)),)), whole_week(tuple((day, ("00:00-24:00",)) for day in WEEKDAYS))
    (False, True)
    """
    weekly = {day: tuple(map(Opening.parse, times)) for day, times in quiet_hours}
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    end = begin + timedelta(days=7)
    return bool(weekly) and open_spans([BusinessCalendar("quiet", "UTC", weekly)], begin, end) == [(begin, end)]


def _problems(days: dict[str, list[str]]) -> list[tuple[str, str]]:
    try:
        parse({"tz": "UTC", "weekly": days}, key="quiet_hours")
    except CalendarNeverOpens:
        return []
    except CalendarProblem as found:
        return [(path.removeprefix("weekly"), message) for path, message in found.problems]
    return []
