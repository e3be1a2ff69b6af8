"""When a process was last found to have ended in the middle of its work: what waits for calm waits for everybody's.

Noted by whoever takes a row whose hold ran out for its second try, or declares one dead. A process that merely stood
still counts as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, literal_column, select

from taskhub.db import rows
from taskhub.db.tables import counter, message

MARK = "ledger.death"

c = message.c
# Whoever failed in good order keeps a token too, but waits: then both are the instant of the next try.
FELL = and_(c.token.is_not(None), c.until != c.due_at)
_ANY_FELL = select(exists().where(c.id.in_(bindparam("ids", expanding=True)), FELL))
# One row by its key, so that each look can afford it. Milliseconds since 1970.
SINCE = exists().where(counter.c.name == literal_column(f"'{MARK}'"), counter.c.value > bindparam("calm_ms"))


def fell(conn: Connection, ids: Sequence[int]) -> bool:
    """Whether one of these rows, which the caller has locked, was held by a process that ended."""
    return bool(ids) and bool(conn.execute(_ANY_FELL, {"ids": list(ids)}).scalar())


def note(conn: Connection, now: datetime) -> None:
    """A process was found to have ended. After all rows are locked: others wait here until it commits."""
    rows.put(conn, counter, [{"name": MARK, "value": _ms(now)}])


def given(calm: datetime) -> dict[str, Any]:
    """What SINCE is to be given: whether a process was found dead after ``calm``."""
    return {"calm_ms": _ms(calm)}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
