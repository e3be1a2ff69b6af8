"""The ledger: outbox, timers, delayed work and deliveries in one table, taken by token, settled exactly once.

Taking is a short transaction of its own. Whoever holds the token does the work and settles the row in the work's own
transaction; a settle that touches no row means somebody else took over, and the work is rolled back.

A row without a token is free from ``due_at`` on, a row with one from ``until`` on. Of mode ``one`` there is at most one
row without and one row with a token per (handler, key), so a failed one keeps its token while it waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, select, text, update

from taskhub.db import looks, storms
from taskhub.db.looks import OPEN, OUTSIDE, OUTSIDE_BACKOFF, OUTSIDE_TRIES, TRIES, Test
from taskhub.db.outbox import Row, write
from taskhub.db.quick import array, quick, run
from taskhub.db.tables import message
from taskhub.db.turns import Turns
from taskhub.db.types import text_of
from taskhub.failpoints import failpoint
from taskhub.ids import new_id

HOLD = timedelta(seconds=4)
LIMIT = 100
BACKOFF = tuple(timedelta(seconds=s) for s in (1, 10, 60))
CALM = BACKOFF[1]  # before a last try: nobody's process has died for so long, or one storm would take all three tries
LONGEST_STORM = timedelta(minutes=10)  # however long it goes on, what is poison is to be known as such
BESIDE, ENDED = " / ", "the process ended during the last try"


@dataclass(frozen=True, slots=True)
class Taken:
    """A row this process holds: ``token`` is the proof."""

    id: int
    topic: str
    handler: str
    key: str
    mode: str
    payload: dict[str, Any]
    due_at: datetime
    attempts: int
    token: str
    source: str = ""


c = message.c
_TAKEN = [c[field.name] for field in fields(Taken)]


def take(
    conn: Connection, now: datetime, until: datetime, *, limit: int = LIMIT, rung_before: datetime,
    turns: Turns | None = None,
) -> list[Taken]:  # fmt: skip
    """Up to ``limit`` due rows never tried before; where there are none, one row that was."""
    return (
        take_fresh(conn, now, until, limit=limit, rung_before=rung_before, outside=False, turns=turns)
        or take_fresh(conn, now, until, limit=limit, rung_before=rung_before, outside=True)
        or take_tried(conn, now, until)
        or take_last(conn, now, until)
    )


def take_fresh(
    conn: Connection, now: datetime, until: datetime, *, limit: int, rung_before: datetime, outside: bool,
    turns: Turns | None = None,
) -> list[Taken]:  # fmt: skip
    """Up to ``limit`` due rows of one lane that nothing speaks against taking together.

    Inside, our own come first; rows with a source take ``turns``. Rows that were due when they were emitted are left to
    the bell until ``rung_before``.
    """
    if outside:
        return _take(conn, now, until, looks.OUTSIDE_FRESH, most=limit, rung_before=rung_before)
    ids = (turns or Turns()).ids(conn, now, rung_before, limit)
    return sorted(_hold(conn, ids, until), key=lambda row: (bool(row.source), row.due_at, row.id))


def take_tried(conn: Connection, now: datetime, until: datetime, *, outside: bool | None = None) -> list[Taken]:
    """At most one due row that was tried before: taken singly, so that it cannot pull its neighbours down again."""
    ids = list(conn.execute(looks.TRIED_BEFORE[outside], {"now": now}).scalars())
    fell = storms.fell(conn, ids)
    held = _hold(conn, ids, until)
    if fell:
        storms.note(conn, now)
    return held


def take_last(conn: Connection, now: datetime, until: datetime) -> list[Taken]:
    """At most one due row on its last try. It is to run alone in its process."""
    # Its own death is old by now, and no sign of a storm to the next one.
    return _take(conn, now, until, looks.LAST, **_calm(now))


def last_waits(conn: Connection, now: datetime) -> bool:
    """Whether a row is due for its last try, so that the process should make itself empty."""
    return bool(conn.execute(looks.LAST_WAITS, {"now": now, **_calm(now)}).scalar())


def _calm(now: datetime) -> dict[str, Any]:
    return {"calm": now - CALM, "longest": now - LONGEST_STORM, **storms.given(now - CALM)}


def take_rung(conn: Connection, ids: Sequence[int], now: datetime, until: datetime) -> list[Taken]:
    """Those of the rung rows ``ids`` that are still due and untried: the bell's way."""
    if conn.dialect.name == "postgresql":
        given = {"ids": array(map(str, ids)), "now": now, "until": until, "token": new_id()}
        return sorted((Taken(*row) for row in run(conn, _RUNG, given)), key=lambda row: (row.due_at, row.id))
    return _take(conn, now, until, looks.HEARD, ids=list(ids))


# The look of ``_due`` and the taking in one, for the way every message of a quiet house goes.
_RUNG = quick(
    """
WITH due AS MATERIALIZED (
  SELECT m.id FROM message m
  WHERE m.id = ANY(:ids) AND m.done_at IS NULL AND m.dead_at IS NULL AND m.attempts = 0 AND m.due_at <= :now
    AND (m.token IS NULL OR m.until <= :now) AND (m.mode <> 'one' OR NOT EXISTS (
      SELECT 1 FROM message o WHERE o.handler = m.handler AND o.key = m.key AND o.mode = 'one'
        AND o.token IS NOT NULL AND o.done_at IS NULL AND o.dead_at IS NULL AND o.id <> m.id))
  FOR UPDATE SKIP LOCKED)
UPDATE message t SET token = :token, until = :until, attempts = t.attempts + 1 FROM due WHERE t.id = due.id
RETURNING t.id, t.topic, t.handler, t.key, t.mode, t.payload, t.due_at, t.attempts, t.token, t.source""",
    ids="bigint[]", now="timestamptz", until="timestamptz",
)  # fmt: skip


def _take(conn: Connection, now: datetime, until: datetime, due: Select[Any], **given: Any) -> list[Taken]:
    # Two statements: PostgreSQL may run a LIMIT subquery of an UPDATE twice and then take more than it says.
    return _hold(conn, list(conn.execute(due, {"now": now, **given}).scalars()), until)


def _hold(conn: Connection, ids: Sequence[int], until: datetime) -> list[Taken]:
    if not ids:
        return []
    failpoint("ledger.picked")
    if conn.dialect.name == "postgresql":
        held = {"ids": array(map(str, ids)), "until": until, "token": new_id()}
        found: Iterable[Any] = run(conn, _HOLD, held)
    else:
        found = _lite_hold(conn, ids, until)
    failpoint("ledger.taken")
    return sorted((Taken(*row) for row in found), key=lambda row: (row.due_at, row.id))


# As many rows as there are make one statement: with a place for each, every number would be a statement of its own,
# to be built, prepared and remembered on every connection.
_HOLD = quick(
    f"""
UPDATE message SET token = :token, until = :until, attempts = attempts + 1,
  lost = lost + (mode = 'outside' AND token IS NOT NULL AND attempts > 0)::int
WHERE id = ANY(:ids) RETURNING {", ".join(field.name for field in fields(Taken))}""",  # noqa: S608
    ids="bigint[]", until="timestamptz",
)  # fmt: skip


def _lite_hold(conn: Connection, ids: Sequence[int], until: datetime) -> Any:
    fell = and_(OUTSIDE, c.token.is_not(None), c.attempts > 0)
    return conn.execute(
        update(message)
        .where(c.id.in_(ids))
        .values(token=new_id(), until=until, attempts=c.attempts + 1, lost=c.lost + case((fell, 1), else_=0))
        .returning(*_TAKEN)
    )


def settle(conn: Connection, row: Taken, now: datetime) -> bool:
    """Marks ``row`` done in the work's transaction; False when the token is no longer ours: roll back."""
    held = {"id": row.id, "token": row.token, "now": now}
    if conn.dialect.name == "postgresql":
        return bool(run(conn, _SETTLE, held))
    return conn.execute(_LITE_SETTLE, {**held, "now": text_of(now)}).rowcount == 1


_SETTLED = "UPDATE message SET done_at = :now WHERE id = :id AND token = :token AND done_at IS NULL AND dead_at IS NULL"
_LITE_SETTLE = text(_SETTLED)
_SETTLE = quick(f"{_SETTLED} RETURNING 1", id="bigint", now="timestamptz")


def settle_all(conn: Connection, rows: Sequence[Taken], now: datetime) -> bool:
    """Marks all of ``rows`` done; False when the token of one is no longer ours: roll back."""
    if conn.dialect.name != "postgresql":
        return all(settle(conn, row, now) for row in sorted(rows, key=lambda row: row.id))
    held = {"ids": array(str(row.id) for row in rows), "tokens": array({row.token for row in rows}), "now": now}
    return len(run(conn, _SETTLE_ALL, held)) == len(rows)


# The order of ids is the order of locks.
_SETTLE_ALL = quick(
    """
WITH held AS MATERIALIZED (
  SELECT id FROM message WHERE id = ANY(:ids) AND token = ANY(:tokens) AND done_at IS NULL AND dead_at IS NULL
  ORDER BY id FOR UPDATE)
UPDATE message m SET done_at = :now FROM held WHERE m.id = held.id RETURNING 1""",
    ids="bigint[]", tokens="text[]", now="timestamptz",
)  # fmt: skip


def _held(row: Taken) -> Test:
    return and_(c.id == row.id, c.token == row.token, OPEN)


def wait_after(row: Taken, jitter: float, asked: timedelta | None = None) -> timedelta | None:
    """How long ``row`` waits after its failed try; None: that was the last. ``asked`` is what the other side asks for.

    >>> row = Taken(1, "t", "h", "k", "each", {}, datetime.min, attempts=2, token="")
    >>> str(wait_after(row, 1.0)), wait_after(replace(row, attempts=3), 1.0)
    ('0:00:10', None)
    """
    waits, tries = (OUTSIDE_BACKOFF, OUTSIDE_TRIES) if row.mode == "outside" else (BACKOFF, TRIES)
    if row.attempts >= tries:
        return None
    return max(waits[row.attempts - 1] * jitter, min(asked or timedelta(), OUTSIDE_BACKOFF[-1]))


def fail(conn: Connection, row: Taken, error: str, again_at: datetime, now: datetime, *, dead: bool) -> bool:
    """Notes a failed try: waits until ``again_at``, or is dead (visible, replayable). False: it is not ours."""
    told = error.encode("utf-8", "replace").decode().replace("\0", "")[:4000]
    token = row.token if row.mode == "one" else None
    new = {"dead_at": now} if dead else {"token": token, "until": again_at, "due_at": again_at}
    noted = conn.execute(update(message).where(_held(row)).values(error=told, **new)).rowcount == 1
    failpoint("ledger.failed")
    return noted


def give_back(conn: Connection, rows: Iterable[Taken], *, later: datetime | None = None) -> None:
    """Returns rows uncounted, free at once or from ``later`` on: what failed, if anything did, was not the work."""
    for row in rows:
        token, again_at = (row.token if row.mode == "one" else None), later or row.due_at
        # Both the same: a row whose process died is known by an ``until`` of its own.
        new = {"until": again_at, "due_at": again_at, "token": token, "attempts": row.attempts - 1}
        conn.execute(update(message).where(_held(row)).values(**new))
        failpoint("ledger.given_back")


def prolong(conn: Connection, rows: Sequence[Taken], until: datetime) -> None:
    """One statement a second keeps everything this process is working on."""
    if not rows:
        return
    if conn.dialect.name == "postgresql":
        held = {"ids": array(str(row.id) for row in rows), "tokens": array({row.token for row in rows})}
        run(conn, _PROLONG, {**held, "until": until})
    else:
        mine = and_(c.id.in_([row.id for row in rows]), c.token.in_({row.token for row in rows}), OPEN)
        conn.execute(update(message).where(mine).values(until=until))
    failpoint("ledger.prolonged")


# A locked row is being settled: waiting for it could close a ring of waiting transactions.
_PROLONG = quick(
    """
UPDATE message SET until = :until WHERE id IN (
  SELECT id FROM message WHERE id = ANY(:ids) AND token = ANY(:tokens) AND done_at IS NULL AND dead_at IS NULL
  FOR UPDATE SKIP LOCKED)""",
    ids="bigint[]", tokens="text[]", until="timestamptz",
)  # fmt: skip


def revive(conn: Connection, row_id: int, now: datetime) -> bool:
    """Replays a dead row from its first try. False when there is no such dead row."""
    which = (c.id == row_id, c.dead_at.is_not(None))
    row = conn.execute(select(message).where(*which).with_for_update()).one_or_none()
    if row is None:
        return False
    if row.mode == "one":
        # Its place may be taken by now: the untaken row there looks at the same things.
        again = Row(row.topic, row.handler, row.key, row.mode, row.payload, now, earliest=True, source=row.source)
        write(conn, [again], now)
        conn.execute(delete(message).where(*which))
    else:
        fresh = {"token": None, "until": None, "attempts": 0, "lost": 0, "error": None}
        conn.execute(update(message).where(*which).values(dead_at=None, due_at=now, **fresh))
    return True


def any_due(conn: Connection, now: datetime) -> bool:
    """Whether a row could be taken: a look that costs no lock."""
    return bool(conn.execute(looks.ANY, {"now": now}).scalar())


def next_due(conn: Connection, now: datetime) -> datetime | None:
    """The next instant after ``now`` at which an open row falls due."""
    return min((at for at in conn.execute(looks.NEXT, {"now": now}).one() if at is not None), default=None)
