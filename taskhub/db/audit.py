"""Walks the chain over history and says which row is no longer what was sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from taskhub.db import chain, history_rows, seals
from taskhub.db.seals import Seal

MOST = 100

Heads = dict[int, str]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing wrong: ``row`` of history, or None where a seal itself is wrong; ``said`` in words."""

    seal: int
    row: int | None
    said: str


@dataclass(slots=True)
class Report:
    """What the walk found. ``waiting`` rows are too new to be sealed; ``head`` is worth noting in another place."""

    rows: int = 0
    seals: int = 0
    erased: int = 0
    waiting: int = 0
    head: str = chain.START.hex()
    broken: list[Broken] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.broken


@dataclass(slots=True)
class _Walk:
    """How far the walk has come: rows up to ``covered`` were read, ``strays`` of them belong to no seal so far."""

    report: Report
    covered: int = 0
    floor: int = 0
    strays: set[int] = field(default_factory=set)


def verify(conn: Connection, heads: Heads | None = None, progress: Progress = lambda _rows: None) -> Report:
    """Checks every seal, and every row against its seal. ``heads``: hashes that were noted elsewhere, by seal number.

    ``progress`` is told how many rows are done. Stops looking for more after MOST faults.
    """
    walk, before, number = _Walk(Report()), seals.NONE, 0
    for one in seals.every(conn):
        number += 1
        walk.report.broken += _faults_of_seal(one, before, number, heads or {})
        number = one.number
        _rows(conn, one, walk)
        before = one
        walk.report.seals += 1
        progress(walk.report.rows)
        if len(walk.report.broken) > MOST:
            break
    report = walk.report
    if report.ok:
        report.broken += _missing_heads(before.number, heads or {})
    _leftover(conn, walk, before)
    report.head = before.hash.hex()
    report.broken.sort(key=lambda fault: (fault.row is not None, fault.row or fault.seal))
    return report


def _faults_of_seal(one: Seal, before: Seal, number: int, heads: Heads) -> Iterator[Broken]:
    if one.number != number:
        yield Broken(number, None, f"seals {number} to {one.number - 1} are missing")
    if not one.follows(before.hash):
        yield Broken(one.number, None, "the seal does not follow from the one before it")
    noted = heads.get(one.number)
    if noted is not None and noted != one.hash.hex():
        yield Broken(one.number, None, "the seal is another one than was noted elsewhere")


def _missing_heads(last: int, heads: Heads) -> Iterator[Broken]:
    for number in sorted(heads):
        if number > last:
            yield Broken(number, None, "the seal was noted elsewhere and is not here: the end of history was cut off")


def _rows(conn: Connection, one: Seal, walk: _Walk) -> None:
    try:
        kept = {kept.row: (kept, salt) for kept, salt in _kept(one)}
    except ValueError as error:
        walk.report.broken.append(Broken(one.number, None, f"the seal cannot be read: {error}"))
        return
    late = [row for row in kept if row <= walk.covered]
    for rows in (history_rows.these(conn, late), history_rows.between(conn, walk.covered, one.last_row)):
        for row in rows:
            found = kept.pop(row.row, None)
            if found is None:
                walk.strays.add(row.row)
                continue
            walk.strays.discard(row.row)
            walk.report.rows += 1
            _check(one, row, *found, walk.report)
    walk.report.broken += [Broken(one.number, row, "is missing") for row in sorted(kept)]
    walk.covered, walk.floor = max(walk.covered, one.last_row), one.floor


def _kept(one: Seal) -> Iterator[tuple[chain.Entry, bytes]]:
    entries, salts = list(chain.unpack(one.entries)), chain.split(one.salts)
    if not len(entries) == len(salts) == one.size:
        raise ValueError("a part of the entries is missing")
    return zip(entries, salts, strict=True)


def _check(one: Seal, row: chain.Row, kept: chain.Entry, salt: bytes, report: Report) -> None:
    wrong = chain.differs(row, kept, salt)
    if wrong is not None:
        report.broken.append(Broken(one.number, row.row, wrong))
    report.erased += salt == chain.ERASED_SALT


def _leftover(conn: Connection, walk: _Walk, last: Seal) -> None:
    """Rows without a seal: too new for one, or put in afterwards."""
    added = [Broken(last.number, row, "was added after its time") for row in sorted(walk.strays) if row <= walk.floor]
    walk.report.broken += added
    tail = sum(1 for _ in history_rows.between(conn, walk.covered, history_rows.newest(conn)))
    walk.report.waiting = len(walk.strays) - len(added) + tail
