"""One config file, opened: its values, its places, and refusal of what nobody should have to read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from taskhub.policy.reading.findings import Findings, Place
from taskhub.policy.reading.positions import Path, Positions

LARGEST_FILE = 1024 * 1024
LONGEST_LINE = 4_000
DEEPEST = 16
LARGEST_BITS = 63

_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_DOTTED = re.compile(rf"[\s\[]*(?:{_PART}\s*\.\s*){{{DEEPEST}}}")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_INDEX = re.compile(r"\[\d+\]$")
_WHERE = re.compile(r"\(at line (\d+), column \d+\)$")
_KEY_ON_LINE = re.compile(r"\s*(\[{1,2}[^\]\n]{0,80}\]{0,2}|[^=#\n]{1,80}?)\s*(?:=|$|#)")


@dataclass
class Sheet:
    """A file under reading. ``labels`` maps the keys people read ("kind.contract") to the path of that table."""

    file: str
    findings: Findings
    data: Mapping[str, Any] = field(default_factory=dict)
    positions: Positions = field(default_factory=lambda: Positions(""))
    labels: dict[str, Path] = field(default_factory=dict)

    def place(self, path: Path, key: str) -> Place:
        """Where ``path`` stands, named ``key`` for people."""
        return Place(self.file, self.positions.line(path), key)

    def line_of(self, key: str) -> int:
        """The line of a key as people read it: the longest table that is known, then the rest inside it."""
        label = key
        while label and label not in self.labels:
            label = label.rpartition(".")[0]
        start = self.labels.get(label, ())
        rest = _INDEX.sub("", key[len(label) :].strip("."))
        # A key such as "deal.amount" may be one name in quotes, or a table in a table.
        whole, parts = (*start, rest), (*start, *rest.split("."))
        return max(self.positions.line(whole), self.positions.line(parts))


def open_sheet(file: str, text: str, findings: Findings) -> Sheet | None:
    """The file's values with their places, or None when it cannot be read at all; the reason is noted."""
    text = text.removeprefix("\ufeff")
    if _too_large(file, text, findings):
        return None
    try:
        data = tomllib.loads(text)
    except RecursionError:
        findings.problem(Place(file, 1, "file"), f"values are nested too deeply; at most {DEEPEST} levels are read.")
    except ValueError as error:
        findings.problem(_where(file, text, str(error)), f"this is not valid TOML: {_said(error)}.")
    else:
        return _checked(Sheet(file, findings, data), text)
    return None


def _too_large(file: str, text: str, findings: Findings) -> bool:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_FILE:
        findings.problem(Place(file, 1, "file"), "the file is larger than 1 MiB; keep data out of policies.")
        return True
    for number, line in enumerate(text.split("\n"), 1):
        said = _unreadable(line)
        if said:
            findings.problem(Place(file, number, "file"), said)
            return True
    return False


def _unreadable(line: str) -> str | None:
    """tomllib takes quadratic time over keys with thousands of dots: they never reach it."""
    if len(line) > LONGEST_LINE:
        return f"the line is longer than {LONGEST_LINE} characters; break it up."
    return f"the key has too many parts; at most {DEEPEST} are read." if _DOTTED.match(line) else None


def _checked(sheet: Sheet, text: str) -> Sheet | None:
    deep = next((path for path, _ in _walk(sheet.data) if len(path) > DEEPEST), None)
    if deep:
        message = f"values are nested too deeply; at most {DEEPEST} levels are read."
        sheet.findings.problem(Place(sheet.file, 1, _label(deep[:1])), message)
        return None
    sheet.positions = Positions(text)
    unfit = [(path, said) for path, value in _walk(sheet.data) for said in [_unfit(path, value)] if said]
    for path, said in unfit:
        sheet.findings.problem(sheet.place(path, _label(path)), said)
    return None if unfit else sheet


def _unfit(path: Path, value: Any) -> str | None:
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        return "the number is too large."
    texts = [text for text in (value, *path[-1:]) if isinstance(text, str)]
    bad = next((char for char in map(unprintable, texts) if char), None)
    return f"the text holds the invisible character U+{ord(bad):04X}; remove it." if bad else None


def _label(path: Path) -> str:
    label = ""
    for key in path:
        shown = _UNSEEN.sub("?", str(key))
        label += f"[{int(key) + 1}]" if isinstance(key, int) else f".{shown}" if label else shown
    return label


def _walk(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every value with its path, without recursion; nothing below the deepest level is entered."""
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if len(path) > DEEPEST:
            continue
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting.extend(((*path, key), entry) for key, entry in entries)


def unprintable(text: str) -> str | None:
    """The first character that has no business in a policy: controls, lone surrogates, direction overrides."""
    found = _UNSEEN.search(text)
    return found[0] if found else None


def _where(file: str, text: str, error: str) -> Place:
    lines = text.replace("\r\n", "\n").split("\n")
    found = _WHERE.search(error)
    last = max((number for number, line in enumerate(lines, 1) if line.strip()), default=1)
    line = int(found[1]) if found else last
    key = _KEY_ON_LINE.match(lines[min(line, len(lines)) - 1])
    name = _UNSEEN.sub("", key[1] if key else "").strip(" []")
    return Place(file, line, name or "file")


def _said(error: ValueError) -> str:
    words = re.sub(r" \(at [^)]*\)$", "", str(error))
    if words.startswith(("Cannot overwrite", "Cannot declare", "Duplicate inline")):
        return "the same key or table is given twice; keep one"
    shown = _UNSEEN.sub("?", words)[:160]
    return shown[:1].lower() + shown[1:]
