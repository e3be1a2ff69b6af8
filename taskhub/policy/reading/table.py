"""A cursor over one TOML table: typed getters that note what is wrong and answer something harmless.

What was not asked for is a typo: ``done`` refuses it and suggests the nearest key that was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from taskhub.calendars.durations import parse_duration
from taskhub.policy.reading.findings import Findings, Place
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.reading.positions import Path
from taskhub.policy.reading.sheet import Sheet

T = TypeVar("T")
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
LONGEST_TEXT = 1_000
LONGEST_WAIT = timedelta(days=3660)


class Table:
    """One table of a file. ``label`` is how people name it, ``rule.won.tasks[2]``: what has no key counts from 1."""

    def __init__(self, sheet: Sheet, data: Mapping[str, Any], path: Path = (), label: str = "") -> None:
        self.sheet = sheet
        self.data = data
        self.path = path
        self.label = label
        self._asked: set[str] = set()
        self._missing: list[str] = []
        sheet.labels.setdefault(label, path)

    @property
    def findings(self) -> Findings:
        """Where problems are noted."""
        return self.sheet.findings

    def place(self, *keys: str | int) -> Place:
        """Where a key of this table stands."""
        label = self.label
        for key in keys:
            label += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if label else key
        return self.sheet.place((*self.path, *keys), label or "file")

    def problem(self, keys: str | Sequence[str | int], message: str, suggestion: str | None = None) -> None:
        """Notes something wrong with a key (or the path of keys) of this table; an empty path is the table itself."""
        path = (keys,) if isinstance(keys, str) else keys
        self.findings.problem(self.place(*path), message, suggestion)

    def take(self, key: str, *, required: bool = False) -> Any:
        """The raw value, None when it is not written."""
        self._asked.add(key)
        if key not in self.data and required:
            self._missing.append(key)
        return self.data.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is written."""
        return key in self.data

    def wrong(self, key: str, expected: str, value: Any) -> None:
        """Notes that a value is not what the key needs."""
        self.problem(key, f"{key} must be {expected}, not {shown(value)}.")

    def text(self, key: str, default: str = "", *, required: bool = False, most: int = LONGEST_TEXT) -> str:
        """A text that says something."""
        return self.opt_text(key, required=required, most=most) or default

    def opt_text(self, key: str, *, required: bool = False, most: int = LONGEST_TEXT) -> str | None:
        """A text, or None."""
        value = self.take(key, required=required)
        if value is None or (isinstance(value, str) and value.strip() and len(value) <= most):
            return value
        self.wrong(key, f"a text of 1 to {most} characters in quotes", value)
        return None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """true or false."""
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.wrong(key, "true or false", value)
        return default

    def opt_number(self, key: str, *, above: float = 0.0, most: float) -> float | None:
        """A number in (above, most], or None."""
        value = self.take(key)
        if value is None or (is_number(value) and above < value <= most):
            return None if value is None else float(value)
        self.wrong(key, f"a number above {above:g} and at most {most:g}", value)
        return None

    def number(self, key: str, default: float, *, above: float = 0.0, most: float) -> float:
        """A number in (above, most]."""
        found = self.opt_number(key, above=above, most=most)
        return default if found is None else found

    def opt_whole(self, key: str, *, least: int, most: int) -> int | None:
        """A whole number in [least, most], or None."""
        value = self.take(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most):
            return value
        self.wrong(key, f"a whole number from {least} to {most}", value)
        return None

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        """A whole number in [least, most]."""
        found = self.opt_whole(key, least=least, most=most)
        return default if found is None else found

    def opt_choice(self, key: str, options: Collection[str], *, required: bool = False) -> str | None:
        """One of a few words, or None."""
        value = self.take(key, required=required)
        if value is None or (isinstance(value, str) and value in options):
            return value
        hint = nearest(value, options) if isinstance(value, str) else None
        self.problem(key, f"{key} must be one of {', '.join(options)}, not {shown(value)}.", hint)
        return None

    def choice(self, key: str, options: Collection[str], default: str) -> str:
        """One of a few words."""
        return self.opt_choice(key, options) or default

    def opt_duration(self, key: str, *, zero: bool = False) -> timedelta | None:
        """A duration such as 15m, 4h, 14d, or None. Zero only where it says something."""
        value = self.take(key)
        if value is None:
            return None
        length = as_duration(value)
        if length is None or not (timedelta(0) < length <= LONGEST_WAIT or (zero and not length)):
            self.wrong(key, 'a duration such as "15m", "4h" or "14d", longer than zero and at most ten years', value)
            return None
        return length

    def duration(self, key: str, default: timedelta) -> timedelta:
        """A duration longer than zero."""
        found = self.opt_duration(key)
        return default if found is None else found

    def words(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts, each once; a single text is a list of one."""
        value = self.take(key, required=required)
        if value is None:
            return ()
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            self.wrong(key, 'a list of texts such as ["a", "b"]', value)
            return ()
        if required and not items:
            self.problem(key, f"{key} is empty; name at least one.")
        return self._once(key, items)

    def _once(self, key: str, items: Sequence[str]) -> tuple[str, ...]:
        found: set[str] = set()
        for index, item in enumerate(items):
            if item in found:
                self.problem((key, index), f"{shown(item)} is listed twice; keep one.")
            found.add(item)
        return tuple(dict.fromkeys(items))

    def ref(self, key: str, noun: str, *, required: bool = False) -> str | None:
        """The name of a ``noun`` declared in some file."""
        name = self.opt_text(key, required=required)
        if name is not None:
            self.findings.refer(noun, name, self.place(key))
        return name

    def refs(self, key: str, noun: str, *, required: bool = False) -> tuple[str, ...]:
        """Names of ``noun`` declared in some file."""
        names = self.words(key, required=required)
        alone = isinstance(self.data.get(key), str)
        for index, name in enumerate(names):
            self.findings.refer(noun, name, self.place(key) if alone else self.place(key, index))
        return names

    def table(self, key: str, *, required: bool = False) -> Table | None:
        """A table inside this one."""
        value = self.take(key, required=required)
        if value is None or isinstance(value, dict):
            label = f"{self.label}.{key}" if self.label else key
            return None if value is None else Table(self.sheet, value, (*self.path, key), label)
        self.wrong(key, f"a table such as {key} = {{ … }}", value)
        return None

    def tables(self, key: str, *, required: bool = False) -> list[Table]:
        """The entries of ``[[key]]``, named by their own key where they have one."""
        value = self.take(key, required=required)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.wrong(key, f"a list of tables, each starting with [[{key}]]", value)
            return []
        return [self._entry(key, index, entry) for index, entry in enumerate(value)]

    def _entry(self, key: str, index: int, entry: Mapping[str, Any]) -> Table:
        label = f"{self.label}.{key}" if self.label else key
        name = entry.get("key")
        named = isinstance(name, str) and KEY.fullmatch(name) is not None
        return Table(
            self.sheet, entry, (*self.path, key, index), f"{label}.{name}" if named else f"{label}[{index + 1}]"
        )

    def unknown(self) -> list[str]:
        """What is written and nobody has asked for so far."""
        return [key for key in self.data if key not in self._asked]

    def done(self) -> None:
        """Refuses what nobody asked for, then what is missing and was not merely misspelt."""
        absent = self._asked - set(self.data)
        for key in self.unknown():
            hint = nearest(key, absent) or nearest(key, self._asked)
            self.problem(key, f"unknown key {shown(key)}; known here: {', '.join(sorted(self._asked))}.", hint)
            self._missing = [name for name in self._missing if name != hint]
        for key in self._missing:
            self.problem((), f"{key} is missing; add {key} = … here.")


def keyed(root: Table, name: str, noun: str, read: Callable[[Table, str], T | None]) -> dict[str, T]:
    """Every ``[[name]]`` entry by its key, read by ``read``; a key given twice is refused."""
    found: dict[str, T] = {}
    if any(key != name and nearest(key, [name]) for key in root.data):
        root.findings.shaky.add(noun)
    for entry in root.tables(name):
        key = declare(entry, noun)
        value = read(entry, key or "")
        entry.done()
        if key and value is not None:
            found.setdefault(key, value)
    return found


def declare(entry: Table, noun: str, *, again: bool = False) -> str | None:
    """The entry's own key, made known to all files as a ``noun``."""
    key = entry.opt_text("key", required=True)
    if key is None or not KEY.fullmatch(key):
        entry.findings.shaky.add(noun)
        if key is not None:
            entry.wrong("key", "lower-case letters, digits, - and _, at most 63, starting with a letter or digit", key)
        return None
    first = entry.findings.declared(noun, key)
    if first and not again:
        entry.problem("key", f"there is already a {noun} {key!r} on line {first.line}; rename or remove one.")
    entry.findings.declare(noun, key, entry.place("key"))
    return key


def as_duration(value: Any) -> timedelta | None:
    """The duration a text says, or None."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return parse_duration(value)
    except (ValueError, OverflowError):
        return None


def is_number(value: Any) -> bool:
    """Whether it is a finite number; true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def shown(value: Any) -> str:
    """The value as it stands in the file, shortened."""
    words = str(value).lower() if isinstance(value, bool) else repr(value)
    return words if len(words) <= 60 else words[:57] + "…"
