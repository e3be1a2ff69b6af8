"""Seals: every minute what is new in history is chained to what was sealed before. The only SQL that writes ``seal``.

Rows get their numbers in one order and are committed in another: a number that is missing now may still come, from a
transaction that is under way. So each seal lists its rows, and keeps two bounds for the next look. ``horizon``: every
transaction that could still bring a number at or below ``last_row`` has an id below it. ``floor``: no number up to it
can come any more, because the oldest transaction that runs is younger than the horizon of a seal that reached so far.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, text

from taskhub.db import chain, history_rows
from taskhub.db.tables import seal
from taskhub.db.types import text_of

MOST = 50_000
c = seal.c


@dataclass(frozen=True, slots=True)
class Seal:
    """One stored seal. ``last_row`` is the highest number of this and every earlier seal."""

    number: int
    at: datetime
    first_row: int
    last_row: int
    floor: int
    horizon: int
    size: int
    entries: bytes
    salts: bytes
    hash: bytes

    def follows(self, before: bytes) -> bool:
        """Whether its hash is what it says, chained to ``before``."""
        return self.hash == _link(before, self)


NONE = Seal(0, datetime(1970, 1, 1, tzinfo=UTC), 0, 0, 0, 0, 0, b"", b"", chain.START)


def add(conn: Connection, now: datetime, *, most: int = MOST) -> Seal | None:
    """Seals up to ``most`` rows that are new. None: there were none. Two at once: the second fails on the number."""
    before, oldest = newest(conn), _oldest(conn)
    sealed = {one for raw in _recent(conn, before.floor) for one in raw}
    seen = history_rows.numbers(conn, before.floor, most + len(sealed))
    fresh = [row for row in seen if row not in sealed][:most]
    if not fresh:
        return None
    closed = _closed(conn, oldest)
    floor = max(before.floor, min(closed, fresh[-1]) if len(fresh) == most else closed)
    last, salts = max(before.last_row, fresh[-1]), os.urandom(chain.SALT * len(fresh))
    entries = chain.pack(_entries(conn, fresh, chain.split(salts)))
    # What is still to come below the last row is under way now: its id is below a horizon read after the look.
    made = Seal(before.number + 1, now, fresh[0], last, floor, _horizon(conn), len(fresh), entries, salts, chain.START)
    stored = replace(made, hash=_link(before.hash, made))
    conn.execute(insert(seal).values(**{name: getattr(stored, name) for name in Seal.__slots__}))
    return stored


def newest(conn: Connection) -> Seal:
    """The last seal; NONE before the first."""
    row = conn.execute(select(seal).order_by(c.number.desc()).limit(1)).first()
    return Seal(*row) if row else NONE


def every(conn: Connection, at_once: int = 20) -> Iterator[Seal]:
    """All seals in order of their numbers."""
    after = -1
    while True:
        wanted = select(seal).where(c.number > after).order_by(c.number).limit(at_once)
        found = [Seal(*row) for row in conn.execute(wanted)]
        yield from found
        if len(found) < at_once:
            return
        after = found[-1].number


def lag(conn: Connection) -> tuple[int, datetime | None]:
    """How many row numbers lie behind the last seal, and when it was made."""
    row = conn.execute(select(c.last_row, c.at).order_by(c.number.desc()).limit(1)).first()
    return history_rows.newest(conn) - (row.last_row if row else 0), row.at if row else None


def _entries(conn: Connection, fresh: Sequence[int], salts: Sequence[bytes]) -> list[chain.Entry]:
    wanted = dict(zip(fresh, salts, strict=True))
    rows = history_rows.between(conn, fresh[0] - 1, fresh[-1])
    return [chain.entry(row, wanted[row.row]) for row in rows if row.row in wanted]


def _recent(conn: Connection, floor: int) -> Iterator[list[int]]:
    """The numbers above ``floor`` that are sealed already: of the newest seals, since ``last_row`` never falls."""
    number = newest(conn).number
    while number:
        row = conn.execute(select(c.last_row, c.entries).where(c.number == number)).first()
        if row is None or row.last_row <= floor:
            return
        yield [one.row for one in chain.unpack(row.entries) if one.row > floor]
        number -= 1


def _closed(conn: Connection, oldest: int) -> int:
    """How far an earlier seal reached whose every transaction under way has ended by now."""
    wanted = select(c.last_row).where(c.horizon <= oldest).order_by(c.number.desc()).limit(1)
    return int(conn.execute(wanted).scalar() or 0)


def _oldest(conn: Connection) -> int:
    """The id of the oldest transaction that runs. SQLite has one writer at a time: none is ever under way."""
    return _transaction(conn, "min")


def _horizon(conn: Connection) -> int:
    return _transaction(conn, "max")


def _transaction(conn: Connection, end: str) -> int:
    if conn.dialect.name == "sqlite":
        return 0
    asked = f"SELECT pg_snapshot_x{end}(pg_current_snapshot())::text::bigint"
    return int(conn.execute(text(asked)).scalar_one())


def _link(before: bytes, one: Seal) -> bytes:
    bounds = (one.first_row, one.last_row, one.floor, one.size)
    return chain.link(before, one.number, text_of(one.at), bounds, one.entries)
