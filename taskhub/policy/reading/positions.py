"""Where each key stands: dotted path → line, over a text that ``tomllib`` has already accepted.

``tomllib`` gives values without places. This scanner needs no checks of its own: it only walks valid TOML.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


class Positions:
    r"""Lines of every table, key, array entry and inline table of one TOML text.

    >>> text = '[[rule]]\nkey = "a"\nwhen = { "deal.amount" = { gte = 1 } }'
    >>> Positions(text).line(("rule", 0, "when", "deal.amount", "gte"))
    3
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._breaks = [found.start() for found in re.finditer("\n", self._text)]
        self._at = 0
        self._lines: dict[Path, int] = {(): 1}
        self._entries: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """The line of ``path``, or of the nearest table around it when the key itself is not written."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _scan(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return self._at

    def _note(self, path: Path) -> None:
        self._lines.setdefault(path, bisect_right(self._breaks, self._at - 1) + 1)

    def _header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``: inside an array of tables a name means its latest entry."""
        repeated = self._text.startswith("[[", self._at)
        self._at += 2 if repeated else 1
        path: Path = ()
        parts = self._key()
        for index, part in enumerate(parts):
            path = (*path, part)
            self._note(path)
            if path in self._entries and not (repeated and index == len(parts) - 1):
                path = (*path, self._entries[path])
        if repeated:
            self._entries[path] = self._entries.get(path, -1) + 1
            path = (*path, self._entries[path])
            self._note(path)
        self._at += 2 if repeated else 1
        return path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            parts.append(self._key_part())
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _key_part(self) -> str:
        quoted = self._text[self._at] in "\"'"
        found = (_STRING if quoted else _BARE).match(self._text, self._at)
        if found is None:
            raise ValueError("the text is not valid TOML")
        self._at = found.end()
        return str(tomllib.loads(f"k = {found[0]}")["k"]) if quoted else found[0]

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        parts = self._key()
        end, self._at = self._at, start
        for part in parts:
            path = (*path, part)
            self._note(path)
        self._at = end + 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        opening = self._text[self._at]
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._skip(_STRING if opening in "\"'" else _PLAIN)

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._text[self._skip(_BLANK)] != "]":
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            self._at += self._text[self._at] == ","
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._text[self._skip(_BLANK)] != "}":
            self._pair(path)
            self._skip(_BLANK)
            self._at += self._text[self._at] == ","
        self._at += 1
