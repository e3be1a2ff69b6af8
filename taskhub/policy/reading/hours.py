"""calendars.toml: when which office is open. The openings are read by taskhub.calendars; here they get their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from taskhub.calendars import BusinessCalendar, CalendarProblem, parse
from taskhub.calendars.parse import CALENDAR_KEYS
from taskhub.policy.reading.regions import UnknownRegion, dates_of
from taskhub.policy.reading.table import Table, keyed

_HINT = re.compile(r"; did you mean (.+)\?$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def read(root: Table, resolved: Mapping[str, Any]) -> tuple[dict[str, BusinessCalendar], dict[str, list[str]]]:
    """Every calendar by its key, and the holiday dates of the regions they name."""
    regions: dict[str, list[str]] = {}
    stored = resolved.get("holidays")
    known = stored if isinstance(stored, Mapping) else {}
    found = keyed(root, "calendar", "calendar", lambda entry, key: _calendar(entry, key, known, regions))
    root.done()
    return found, dict(sorted(regions.items()))


def _calendar(
    entry: Table, key: str, known: Mapping[str, Any], regions: dict[str, list[str]]
) -> BusinessCalendar | None:
    region = entry.opt_text("holiday_region", most=20)
    holidays = _holidays(entry, region, known, regions) if region else []
    for name in CALENDAR_KEYS:
        entry.take(name, required=name in ("tz", "weekly"))
    rules = {name: entry.data[name] for name in CALENDAR_KEYS if name in entry.data and name != "holiday_region"}
    if not {"tz", "weekly"} <= rules.keys():
        return None
    try:
        return parse(rules, key=key, holidays=[date.fromisoformat(day) for day in holidays])
    except CalendarProblem as wrong:
        for path, message in wrong.problems:
            _note(entry, path, message)
    except (ValueError, OverflowError) as error:
        entry.problem((), f"the calendar cannot be read: {error}.")
    return None


def _holidays(entry: Table, region: str, known: Mapping[str, Any], regions: dict[str, list[str]]) -> list[str]:
    try:
        stored = known.get(region)
        regions[region] = [str(day) for day in stored] if stored is not None else dates_of(region)
    except UnknownRegion as unknown:
        entry.problem("holiday_region", unknown.message, unknown.suggestion)
    return regions.get(region, [])


def _note(entry: Table, path: str, message: str) -> None:
    steps = [int(index) if index else name for name, index in _STEP.findall(path)]
    hint = _HINT.search(message)
    said = _HINT.sub("", message).strip().rstrip(".")
    if steps and isinstance(steps[-1], str) and not hint:
        said = f"{steps[-1]}: {said}" if not said.startswith(("'", '"')) else said
    entry.problem(steps, f"{said}.", hint[1] if hint else None)
