"""What may be written about teams and people: one check per field, every problem named at once. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from taskhub.access.roles import ROLES
from taskhub.agents.availability import DAYS, PRESENCES
from taskhub.calendars import Opening, parse_duration
from taskhub.calendars.openings import overlaps
from taskhub.calendars.zones import load_zone
from taskhub.errors import InvalidInput
from taskhub.policy.reading.nearest import nearest

TEAM_KINDS = ("specialist", "front_line")
LANGUAGES = ("en", "fr")
MAX_CAPACITY = 1000
MAX_MINUTES = 10_000
LONGEST_RAMP = timedelta(days=7)
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")

Check = Callable[[Any], Any]


def key(value: Any) -> str:
    """A key: lower-case letters, digits, dot, underscore, hyphen; at most 64.

    >>> key("zoe.martin")
    'zoe.martin'
    """
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ValueError("must be 1 to 64 of a-z, 0-9, dot, underscore and hyphen, starting with a letter or digit")
    return value


def name(value: Any) -> str:
    """A name people read: one line, nothing invisible in it that could make two names look the same."""
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= 200:
        raise ValueError("must be text of 1 to 200 characters")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text):
        raise ValueError("holds control or invisible characters")
    return text


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _list_of(check: Check, most: int) -> Check:
    def checked(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"must be a list of at most {most}")
        return list(dict.fromkeys(map(check, value)))

    return checked


def _one_of(words: tuple[str, ...]) -> Check:
    def checked(value: Any) -> str:
        if value in words and isinstance(value, str):
            return value
        hint = nearest(value, words) if isinstance(value, str) else None
        raise ValueError(f"must be one of {', '.join(words)}" + (f"; did you mean {hint}?" if hint else ""))

    return checked


def _number(low: float, high: float, *, above: bool = False) -> Check:
    words = f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"

    def checked(value: Any) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high or (above and value == low):
            raise ValueError(f"must be a number {words}")
        return float(value)

    return checked


def _email(value: Any) -> str:
    text = name(value)
    if not _EMAIL.fullmatch(text):
        raise ValueError("is not an email address")
    return text


def _skills(value: Any) -> dict[str, int]:
    table = _table(value)
    for skill, level in table.items():
        key(skill)
        if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= 5:
            raise ValueError(f"the level of {skill} must be a whole number from 1 to 5")
    return table


def _queue_caps(value: Any) -> dict[str, int]:
    table = _table(value)
    for queue, cap in table.items():
        key(queue)
        if not isinstance(cap, int) or isinstance(cap, bool) or not 1 <= cap <= MAX_CAPACITY:
            raise ValueError(f"the cap of {queue} must be a whole number from 1 to {MAX_CAPACITY}")
    return table


def _flag(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError("must be true or false")
    return bool(value)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError("must be an object of at most 100 entries")
    for entry in value:
        name(entry)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, str | int | float | bool) or (isinstance(value, str) and len(value) > 500):
        raise ValueError("must hold text, numbers, true, false or lists of them")
    return value


def _attributes(value: Any) -> dict[str, Any]:
    return {entry: _plain(item) for entry, item in _table(value).items()}


def _external_ids(value: Any) -> dict[str, str]:
    return {entry: name(item) for entry, item in _table(value).items()}


def _zone(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError("must be an IANA time zone such as Europe/Paris")
    return str(load_zone(value))


def _shifts(value: Any) -> dict[str, list[str]]:
    days = {_one_of(DAYS)(day): _openings(day, openings) for day, openings in _table(value).items()}
    return {day: days[day] for day in DAYS if days.get(day)}


def _openings(day: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > 20:
        raise ValueError(f'{day} must be a list of openings such as ["09:00-12:00", "13:00-17:00"]')
    openings = sorted(map(Opening.parse, value))
    if overlaps(openings):
        raise ValueError(f"the openings of {day} overlap")
    return list(map(str, openings))


TEAM_FIELDS: Mapping[str, Check] = {
    "key": key,
    "name": name,
    "kind": _one_of(TEAM_KINDS),
    "leader": _optional(key),
    "managers": _list_of(key, 50),
    "department": _optional(key),
}
AGENT_FIELDS: Mapping[str, Check] = {
    "key": key,
    "name": name,
    "email": _optional(_email),
    "team": key,
    "roles": _list_of(_one_of(ROLES), len(ROLES)),
    "skills": _skills,
    "attributes": _attributes,
    "capacity": _number(0, MAX_CAPACITY, above=True),
    "time_zone": _zone,
    "shifts": _optional(_shifts),
    "language": _one_of(LANGUAGES),
    "stand_in": _optional(key),
    "external_ids": _external_ids,
    "hours_per_week": _optional(_number(0, 168, above=True)),
    "cost_per_hour": _optional(_number(0, 100_000)),
    "active": _flag,
    "capacity_minutes": _optional(_number(0, MAX_MINUTES, above=True)),
    "queue_caps": _queue_caps,
    "learning": _list_of(key, 100),
}
TEAM_DEFAULTS: Mapping[str, Any] = {"leader": None, "managers": [], "department": None}
AGENT_DEFAULTS: Mapping[str, Any] = {
    "email": None, "roles": ["agent"], "skills": {}, "attributes": {}, "capacity": 3.0, "time_zone": "UTC",
    "shifts": None, "language": "en", "stand_in": None, "external_ids": {}, "hours_per_week": None,
    "cost_per_hour": None, "active": True, "capacity_minutes": None, "queue_caps": {}, "learning": [],
}  # fmt: skip
ADJUSTABLE = (
    "skills", "attributes", "capacity", "time_zone", "shifts", "language", "stand_in", "hours_per_week",
    "capacity_minutes", "queue_caps", "learning",
)  # fmt: skip


def read(fields: Mapping[str, Check], raw: Mapping[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The checked form of ``raw``; InvalidInput lists everything wrong with it at once."""
    good: dict[str, Any] = {}
    wrong = [(entry, "is missing") for entry in required if entry not in raw]
    for entry, value in raw.items():
        if entry not in fields:
            hint = nearest(entry, fields)
            wrong.append((entry[:100], "is not a field here" + (f"; did you mean {hint}?" if hint else "")))
            continue
        try:
            good[entry] = fields[entry](value)
        except ValueError as error:
            wrong.append((entry, str(error)))
    if wrong:
        raise invalid(wrong)
    return good


def invalid(wrong: list[tuple[str, str]]) -> InvalidInput:
    """One error naming every wrong field."""
    text = "; ".join(f"{path} {message}" for path, message in wrong)
    errors = [{"path": path, "message": message} for path, message in wrong]
    return InvalidInput(text if text.endswith("?") else f"{text}.", errors=errors)


def span(begin: datetime, end: datetime) -> None:
    """Raises InvalidInput unless ``end`` lies after ``begin``."""
    if end <= begin:
        raise invalid([("until", "must lie after from")])


def ramp(text: str | None) -> timedelta | None:
    """How long after a return only a part of the capacity is used: a duration or "0"; None leaves it to the house."""
    if text is None:
        return None
    try:
        found = timedelta() if text.strip() == "0" else parse_duration(text)
    except ValueError as error:
        raise invalid([("ramp_for", str(error))]) from error
    if found > LONGEST_RAMP:
        raise invalid([("ramp_for", f"must be from 0 to {LONGEST_RAMP.days}d")])
    return found


presence = _one_of(PRESENCES)
