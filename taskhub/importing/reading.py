"""From lines to rows: quoted line ends kept; a row that cannot be read is refused by itself. Pure.

A quote that is never closed would swallow the rest of the file. So a row has a most: where it is passed, or where its
quoting makes no sense, its first line is refused and reading goes on at the next one.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from taskhub.errors import InvalidInput
from taskhub.importing.decoding import (
    Open,
    delimiter_of,
    encoding_of,
    known_delimiter,
    known_encoding,
    lines,
)
from taskhub.importing.model import Opened, Row

LONGEST_ROW = 128 * 1024  # characters; the most the reader takes for one cell is a little more
MOST_COLUMNS = 1_000
MOST_BROKEN = 200
SAMPLE = 50
KEPT = 2_000
WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
TOO_LONG, BROKEN = "row_too_long", "broken_quotes"


class _TooLong(Exception):
    pass


class _Source:
    """Lines, with those of the row under way kept so that reading can go on behind the first of them."""

    def __init__(self, given: Iterable[str]) -> None:
        self.number = 0
        self.held: list[str] = []
        self._size = 0
        self._given = iter(given)
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._given)
        self.held.append(line)
        self._size += len(line)
        if self._size > LONGEST_ROW:
            raise _TooLong
        return line

    def settle(self) -> int:
        """The row is read. The number of its first line."""
        first = self.number + 1
        self.number += len(self.held)
        self.held, self._size = [], 0
        return first

    def back(self) -> str:
        """The row makes no sense: reading goes on behind its first line, which is returned."""
        first, *rest = self.held
        self._again.extendleft(reversed(rest))
        self.held, self._size = [first], 0
        return first


def rows(given: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Every row but blank ones. Raises InvalidInput once too many make no sense: it is no such file then."""
    source, broken = _Source(given), 0
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error) as error:
            if not source.held:
                return
            row = _fault(source, error)
            # A long line costs nothing again; an open quote costs a look as far as a row may go.
            broken += row.fault == BROKEN
            if broken > MOST_BROKEN:
                raise InvalidInput(
                    f"More than {MOST_BROKEN} rows have quotes that make no sense, the last one in line {row.line}: is "
                    "the delimiter the right one?", code="broken_file", line=row.line,
                ) from error  # fmt: skip
            yield row
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            continue
        line = source.settle()
        if any(cell.strip() for cell in cells):
            yield Row(line, cells)


def _fault(source: _Source, error: Exception) -> Row:
    alone = len(source.held) == 1 and isinstance(error, _TooLong)
    raw = source.back()
    return Row(source.settle(), [raw[:KEPT].rstrip("\r\n")], TOO_LONG if alone else BROKEN)


def opened(open_: Open, encoding: str | None = None, delimiter: str | None = None) -> Opened:
    """How the file is written and what its columns are called. Raises InvalidInput for one that has no header."""
    if next(open_(), b"").startswith(WORKBOOK):
        raise InvalidInput("This is a workbook of a spreadsheet: save it as CSV, and hand that in.", code="not_csv")
    code = known_encoding(encoding) if encoding else encoding_of(open_)
    first: list[str] = []
    for line in lines(open_(), code):
        first.append(line)
        if len(first) > SAMPLE or sum(map(len, first)) > LONGEST_ROW:
            break
    told = _told_delimiter(first)
    chosen = known_delimiter(delimiter) if delimiter else told or delimiter_of([line[:5_000] for line in first])
    found = body(open_, code, chosen)
    head = next(found, None)
    if head is None:
        raise InvalidInput("The file is empty: it needs a first line that names its columns.", code="empty_file")
    if head.fault is not None:
        raise InvalidInput("The first line cannot be read: it has to name the columns.", code="no_header")
    sample = tuple(row for _, row in zip(range(SAMPLE), found, strict=False))
    return Opened(code, chosen, _header(head.cells), sample)


def body(open_: Open, encoding: str, delimiter: str) -> Iterator[Row]:
    """Every row, the header first; the line by which a spreadsheet is told the delimiter is none."""
    given = lines(open_(), encoding)
    first = next(given, None)
    if first is None:
        return
    hint = _told_delimiter([first]) is not None
    for row in rows(given if hint else _behind(first, given), delimiter):
        yield Row(row.line + 1, row.cells, row.fault) if hint else row


def _behind(first: str, given: Iterator[str]) -> Iterator[str]:
    yield first
    yield from given


def _told_delimiter(first: list[str]) -> str | None:
    said = first[0].strip('\ufeff\r\n "') if first else ""
    return said[4:] if said.lower().startswith("sep=") and len(said) == 5 else "\t" if said == "sep=" else None


def _header(cells: list[str]) -> tuple[str, ...]:
    if len(cells) > MOST_COLUMNS:
        raise InvalidInput(
            f"The file has {len(cells)} columns; taskhub reads up to {MOST_COLUMNS}.", code="too_many_columns",
        )  # fmt: skip
    names = [" ".join(cell.replace("\x00", "").split())[:200] for cell in cells]
    while names and not names[-1]:
        names.pop()
    named = [name or f"column {at}" for at, name in enumerate(names, 1)]
    again = next((name for at, name in enumerate(named) if name in named[:at]), None)
    if again is not None:
        places = [str(at) for at, name in enumerate(named, 1) if name == again]
        raise InvalidInput(
            f"The header names {again!r} more than once (columns {', '.join(places)}): rename all but one.",
            code="header_twice", column=again,
        )  # fmt: skip
    return tuple(named)
