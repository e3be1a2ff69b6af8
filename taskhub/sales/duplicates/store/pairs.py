"""Runs over everything, the pairs they found, and the pairs somebody said are not the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, exists, func, insert, or_, select, tuple_, update

from taskhub.db import rows
from taskhub.db.tables_duplicates import duplicate_denial, duplicate_pair, duplicate_run
from taskhub.db.tables_merges import merge
from taskhub.db.tx import Tx

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """``done`` of ``total`` steps of its way, ``found`` pairs so far; ``state`` says how to go on."""

    id: str
    by: str
    at: datetime
    done: int
    total: int
    found: int
    state: Mapping[str, Any] | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """A pair of a run; ``reasons`` as (what, bits)."""

    one: str
    two: str
    score: float
    reasons: Sequence[tuple[str, float]]


_RUN = [duplicate_run.c[name] for name in Run.__slots__]
_FOUND = [duplicate_pair.c[name] for name in Found.__slots__]


def add_run(tx: Tx, new: Run) -> None:
    """Stores a new run."""
    tx.conn.execute(insert(duplicate_run).values({name: getattr(new, name) for name in Run.__slots__}))


def run(tx: Tx, id_: str, *, lock: bool = False) -> Run | None:
    """One run."""
    wanted = select(*_RUN).where(duplicate_run.c.id == id_)
    row = tx.conn.execute(wanted.with_for_update() if lock else wanted).first()
    return Run(*row) if row else None


def newest_run(tx: Tx, *, ended: bool) -> Run | None:
    """The newest run, of those that have ended or of those that have not."""
    wanted = select(*_RUN).where(duplicate_run.c.ended_at.is_not(None) if ended else duplicate_run.c.ended_at.is_(None))
    row = tx.conn.execute(wanted.order_by(duplicate_run.c.id.desc()).limit(1)).first()
    return Run(*row) if row else None


def save_run(tx: Tx, id_: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked run."""
    tx.conn.execute(update(duplicate_run).where(duplicate_run.c.id == id_).values(**changes))


def forget_runs(tx: Tx, before: datetime) -> None:
    """Drops what was begun before then."""
    tx.conn.execute(delete(duplicate_run).where(duplicate_run.c.at < before))


def keep(tx: Tx, run_: str, found: Iterable[Found]) -> None:
    """Writes pairs of a run; one that was found before is written over."""
    new = [
        {"one": each.one, "two": each.two, "score": each.score, "reasons": [list(one) for one in each.reasons],
         "run": run_, "at": tx.now}
        for each in found
    ]  # fmt: skip
    rows.put(tx.conn, duplicate_pair, new)


def drop_others(tx: Tx, run_: str) -> None:
    """Drops the pairs that other runs found."""
    tx.conn.execute(delete(duplicate_pair).where(duplicate_pair.c.run != run_))


def count(tx: Tx, run_: str) -> int:
    """How many pairs a run found."""
    counted = select(func.count()).select_from(duplicate_pair).where(duplicate_pair.c.run == run_)
    return int(tx.conn.execute(counted).scalar_one())


def found(tx: Tx, after: tuple[float, str, str] | None, most: int) -> list[Found]:
    """Pairs that nobody denied and neither of which was merged, the likeliest first, behind a place in that order."""
    went = and_(merge.c.gone.in_((duplicate_pair.c.one, duplicate_pair.c.two)), merge.c.undone_at.is_(None))
    same = and_(duplicate_denial.c.one == duplicate_pair.c.one, duplicate_denial.c.two == duplicate_pair.c.two)
    wanted: Select[Any] = select(*_FOUND).where(~exists(select(duplicate_denial.c.one).where(same)))
    wanted = wanted.where(~exists(select(merge.c.id).where(went)))
    if after is not None:
        score, one, two = after
        behind = tuple_(duplicate_pair.c.one, duplicate_pair.c.two) > (one, two)
        wanted = wanted.where(
            or_(duplicate_pair.c.score < score, and_(duplicate_pair.c.score == score, behind)),
        )
    order = (duplicate_pair.c.score.desc(), duplicate_pair.c.one, duplicate_pair.c.two)
    return [Found(*row) for row in tx.conn.execute(wanted.order_by(*order).limit(most))]


def deny(tx: Tx, pair: Pair, reason: str | None) -> bool:
    """Remembers that two are not the same; False when that was known."""
    new = {"one": pair[0], "two": pair[1], "by": tx.by.label, "at": tx.now, "reason": reason}
    return bool(rows.add(tx.conn, duplicate_denial, [new], unique="one, two", back="one"))


def undeny(tx: Tx, pair: Pair) -> bool:
    """Forgets it again; False when nobody had said so."""
    mine = duplicate_denial.c.one == pair[0], duplicate_denial.c.two == pair[1]
    return bool(tx.conn.execute(delete(duplicate_denial).where(*mine).returning(duplicate_denial.c.one)).first())


def denied(tx: Tx, record: str) -> list[Pair]:
    """The pairs with this record that are not the same."""
    either = or_(duplicate_denial.c.one == record, duplicate_denial.c.two == record)
    return [tuple(row) for row in tx.conn.execute(select(duplicate_denial.c.one, duplicate_denial.c.two).where(either))]
