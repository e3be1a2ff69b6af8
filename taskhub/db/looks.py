"""Which rows of the ledger may be taken: the looks, built once, for the toolkit to find what it compiled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
)

from taskhub.db import storms
from taskhub.db.tables import OF_SOURCES, message

TRIES = 3
OUTSIDE_BACKOFF = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
OUTSIDE_TRIES = len(OUTSIDE_BACKOFF) + 1

c = message.c
Test = ColumnElement[bool]
NOW = bindparam("now", type_=c.due_at.type)
OPEN = and_(c.done_at.is_(None), c.dead_at.is_(None))
# Written out, not bound: a plan made before the values are known could not use the partial indexes.
OUTSIDE = c.mode == literal_column("'outside'")
INSIDE = c.mode != literal_column("'outside'")
OURS = c.source == literal_column("''")
# Says nothing of the mode, so that no plan falls back on the index of all that is inside.
THEIRS = c.source != literal_column("''")
TRIED = c.attempts > literal_column("0")
FAILED_OUTSIDE = and_(OUTSIDE, c.token.is_(None))  # waits for its next try in good order


def due(*which: Test) -> Select[Any]:
    """Ids of the rows that are due at ``now`` and free, and no twin of theirs is being worked on."""
    other = message.alias()
    busy = exists().where(
        other.c.handler == c.handler, other.c.key == c.key, other.c.mode == literal_column("'one'"),
        other.c.token.is_not(None), other.c.done_at.is_(None), other.c.dead_at.is_(None), other.c.id != c.id,
    )  # fmt: skip
    free = or_(c.token.is_(None), c.until <= NOW)
    return select(c.id).where(OPEN, c.due_at <= NOW, free, or_(c.mode != "one", not_(busy)), *which)


def _first(most: Any, *which: Test) -> Select[Any]:
    return due(*which).order_by(c.due_at, c.id).limit(most).with_for_update(skip_locked=True)


def _fresh(*, outside: bool = False, ours: bool = False) -> Select[Any]:
    unheard = or_(c.due_at > c.emitted_at, c.emitted_at <= bindparam("rung_before", type_=c.due_at.type))
    if outside:
        return _first(bindparam("most"), OUTSIDE, or_(c.attempts == 0, c.token.is_(None)), unheard)
    which = (INSIDE, OURS) if ours else (THEIRS, c.source == bindparam("source"))
    return _first(bindparam("most"), *which, c.attempts == 0, unheard)


def _tried(*, outside: bool | None) -> Select[Any]:
    left = case((OUTSIDE, and_(c.lost == 0, c.attempts < OUTSIDE_TRIES)), else_=c.attempts < TRIES - 1)
    # Bound, so that SQLite does not prefer the index of all rows of the lane.
    lane = () if outside is None else (c.mode == "outside" if outside else c.mode != "outside",)
    return _first(1, TRIED, not_(FAILED_OUTSIDE), left, *lane)


def _last() -> tuple[Test, ...]:
    last = case((OUTSIDE, and_(c.lost == TRIES - 2, c.attempts < OUTSIDE_TRIES)), else_=c.attempts == TRIES - 1)
    calm, longest = (c.until <= bindparam(name, type_=c.due_at.type) for name in ("calm", "longest"))
    free = or_(not_(storms.FELL), longest, and_(calm, not_(storms.SINCE)))
    return TRIED, not_(FAILED_OUTSIDE), last, free


FRESH_OURS = _fresh(ours=True)
FRESH_OF = _fresh()  # of one source
OUTSIDE_FRESH = _fresh(outside=True)
TRIED_BEFORE = {outside: _tried(outside=outside) for outside in (None, False, True)}
LAST = _first(1, *_last())
LAST_WAITS = select(due(*_last()).exists())
HEARD = _first(None, c.id.in_(bindparam("ids", expanding=True)), c.attempts == 0)
ANY = select(or_(*[due(*which).exists() for which in ((INSIDE, OURS), (THEIRS,), (OUTSIDE,))]))
# What has a source is due when it comes; afterwards it was tried.
_NEXT_OF = select(func.min(c.due_at)).where(OPEN, c.due_at > NOW)
NEXT = select(*[_NEXT_OF.where(*which).scalar_subquery() for which in ((INSIDE, OURS), (OUTSIDE,), (TRIED,))])

# Each source is one step down the index, however many rows it has.
_NEXT_SOURCE = f"(SELECT min(source) FROM message WHERE source > {{behind}} AND {OF_SOURCES})"  # noqa: S608
_SOURCES = f"""
WITH RECURSIVE turns(source, n) AS (
  SELECT {_NEXT_SOURCE.format(behind=":behind")}, 1
  UNION ALL SELECT {_NEXT_SOURCE.format(behind="t.source")}, t.n + 1 FROM turns t
  WHERE t.source IS NOT NULL AND t.n < :most)
SELECT source FROM turns WHERE source IS NOT NULL"""  # noqa: S608  only the index's own condition enters this text
SOURCES = text(_SOURCES)
