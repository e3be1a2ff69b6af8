"""A file is handed in: how it is written and mapped is found out, its rows are kept piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.importing import reading, store
from taskhub.importing.decoding import Open, known_delimiter, known_encoding
from taskhub.importing.evidence import Evidence
from taskhub.importing.mapping import FieldMap, propose, read
from taskhub.importing.model import Opened, Row
from taskhub.policy.reading.nearest import nearest

AT_ONCE = 200
PIECE_SIZE = 512 * 1024
MOST_ROWS = 2_000_000


@dataclass(frozen=True, slots=True)
class File:
    """A file that was looked at: its bytes once more from the start, how it is written, and which column is which."""

    noun: str
    name: str
    open_: Open
    opened: Opened
    map: FieldMap

    def rows(self) -> Iterator[Row]:
        """Every row behind the header."""
        return islice(reading.body(self.open_, self.opened.encoding, self.opened.delimiter), 1, None)

    def whole(self) -> File:
        """The same, its mapping completed by what all of the file shows. Raises InvalidInput for a broken one."""
        evidence = Evidence(self.map, self.opened.header)
        count = 0
        for _ in evidence.through(self.rows()):
            count += 1
        if count > MOST_ROWS:
            raise InvalidInput(f"The file has {count} rows; taskhub takes {MOST_ROWS} at once.", code="too_many")
        return replace(self, map=evidence.complete(self.opened.delimiter))

    def pieces(self) -> Iterator[list[Row]]:
        """Its rows, some at a time."""
        piece: list[Row] = []
        size = 0
        for row in self.rows():
            piece.append(row)
            size += sum(map(len, row.cells))
            if len(piece) >= AT_ONCE or size >= PIECE_SIZE:
                yield piece
                piece, size = [], 0
        if piece:
            yield piece

    def digest(self) -> str:
        """The name of its content as it is read."""
        sha = hashlib.sha256(repr((self.noun, sorted(self.map.body().items(), key=str))).encode())
        for chunk in self.open_():
            sha.update(chunk)
        return sha.hexdigest()


def look(
    tx: Tx, noun: str, name: str, open_: Open, written: Mapping[str, Any] | str | None = None,
    forms: Mapping[str, Any] | None = None,
) -> File:  # fmt: skip
    """``written``: the mapping, or the name under which one was saved; None proposes one.

    ``forms``: encoding and delimiter, which win over those of the mapping. Raises InvalidInput.
    """
    body = _saved(tx, noun, written) if isinstance(written, str) else written
    told = {**(body or {}), **(forms or {})}
    for form, known in (("encoding", known_encoding), ("delimiter", known_delimiter)):
        if told.get(form) is not None:
            told[form] = known(str(told[form]))
    opened = reading.opened(open_, told.get("encoding"), told.get("delimiter"))
    proposed = propose(noun, opened.header)
    whole = read(noun, {**({} if "columns" in told else proposed.body()), **told}, opened.header)
    unsure = () if "columns" in told else proposed.unsure
    return File(noun, name, open_, opened, replace(whole, unsure=unsure))


def _saved(tx: Tx, noun: str, name: str) -> Mapping[str, Any]:
    found = store.mapping(tx, noun, name)
    if found is None:
        names = [one["name"] for one in store.mappings(tx, noun)]
        hint = nearest(name, names)
        raise InvalidInput(
            f"There is no mapping {name[:60]!r} for {noun}s" + (f"; did you mean {hint}?" if hint else "."),
            code="unknown_mapping", known=names[:50],
        )  # fmt: skip
    return found


def told(file: File) -> dict[str, Any]:
    """How a file is read, for people to look at."""
    header: Sequence[str] = file.opened.header
    left_out = [head for head in header if not file.map.columns.get(head)]
    written = {"encoding": file.opened.encoding, "delimiter": file.opened.delimiter, "header": list(header)}
    return {**written, "left_out": left_out, "unsure": list(file.map.unsure)}
