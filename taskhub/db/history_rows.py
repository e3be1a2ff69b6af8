"""History as text, in order of its rows and in portions: for sealing, checking and giving out a million of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text

from taskhub.db.chain import Row
from taskhub.db.quick import array, quick, run
from taskhub.db.tables import history

AT_ONCE = 5_000

# Instants and changes stay text: reading them into objects would cost more than hashing them.
_LITE = 'SELECT row, noun, id, seq, act_id, at, "by", act, change FROM history '
_FULL = _LITE.replace(" at,", """ to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),""").replace(
    "change FROM", "change::text FROM"
)
_RANGE = "WHERE row > :after AND row <= :until ORDER BY row LIMIT :most"
_LITE_RANGE = text(_LITE + _RANGE)
_LITE_THESE = text(_LITE + "WHERE row IN :rows ORDER BY row").bindparams(bindparam("rows", expanding=True))
_FULL_RANGE = quick(_FULL + _RANGE, after="bigint", until="bigint", most="bigint")
_FULL_THESE = quick(_FULL + "WHERE row = ANY(:rows) ORDER BY row", rows="bigint[]")


def between(conn: Connection, after: int, until: int) -> Iterator[Row]:
    """The rows behind ``after`` up to ``until``, in order."""
    while after < until:
        given = {"after": after, "until": until, "most": AT_ONCE}
        lite = conn.dialect.name == "sqlite"
        found: list[Any] = list(conn.execute(_LITE_RANGE, given)) if lite else run(conn, _FULL_RANGE, given)
        for fields in found:
            yield Row(*fields)
        if len(found) < AT_ONCE:
            return
        after = found[-1][0]


def these(conn: Connection, rows: Sequence[int]) -> Iterator[Row]:
    """These very rows, as far as they are there."""
    for at in range(0, len(rows), 500):
        some = rows[at : at + 500]
        if conn.dialect.name == "sqlite":
            found: Iterable[Any] = conn.execute(_LITE_THESE, {"rows": some})
        else:
            found = run(conn, _FULL_THESE, {"rows": array(map(str, some))})
        yield from (Row(*fields) for fields in found)


def numbers(conn: Connection, after: int, most: int) -> list[int]:
    """The numbers of the first ``most`` rows behind ``after``, in order."""
    wanted = select(history.c.row).where(history.c.row > after).order_by(history.c.row).limit(most)
    return list(conn.execute(wanted).scalars())


def newest(conn: Connection) -> int:
    """The number of the newest row; 0 when there is none."""
    return int(conn.execute(select(func.max(history.c.row))).scalar() or 0)
