"""What is on record of decisions, read in the order in which it happened. Nothing here writes."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, tuple_

from taskhub.db.tables import agent, decision, pass_, pass_block, task
from taskhub.db.tx import Tx

CHUNK = 100


class StoredPass(NamedTuple):
    """One pass as it is stored."""

    id: str
    at: datetime
    head: str
    blocks: Sequence[str]


def passes_since(tx: Tx, rotations: Collection[str], since: datetime, most: int) -> list[tuple[datetime, str]]:
    """(at, id) of the newest ``most`` passes over any of ``rotations``, oldest first."""
    rows = select(pass_.c.at, pass_.c.id, pass_.c.rotation).where(pass_.c.at >= since)
    found = []
    for at, id_, names in tx.conn.execute(rows.order_by(pass_.c.at.desc(), pass_.c.id.desc())):
        if not set(names.split(",")).isdisjoint(rotations):
            found.append((at, id_))
            if len(found) == most:
                break
    return found[::-1]


def first_pass(tx: Tx, since: datetime) -> str | None:
    """The id of the first pass since then: ids grow with time, so the rest is read by id."""
    return tx.conn.execute(select(func.min(pass_.c.id)).where(pass_.c.at >= since)).scalar()


def count_passes(tx: Tx, rotations: Collection[str], since: datetime) -> int:
    """How many passes over any of ``rotations`` there were since then."""
    names = tx.conn.execute(
        select(pass_.c.rotation, func.count()).where(pass_.c.at >= since).group_by(pass_.c.rotation)
    )
    return sum(count for name, count in names if not set(name.split(",")).isdisjoint(rotations))


def count_claims(tx: Tx, queues: Collection[str], since: datetime) -> int:
    """How many pulled decisions about tasks of ``queues`` there were since then."""
    mine = decision.c.way == "pull", decision.c.at >= since, task.c.queue.in_(queues)
    rows = select(func.count()).select_from(decision.join(task, task.c.id == decision.c.task)).where(*mine)
    return int(tx.conn.execute(rows).scalar_one())


def passes_from(tx: Tx, first: str, until: datetime, limit: int, *, after: bool) -> list[Any]:
    """Id and rotation of up to ``limit`` passes from (or behind) the one of that id on, up to ``until``."""
    place = pass_.c.id > first if after else pass_.c.id >= first
    rows = select(pass_.c.id, pass_.c.rotation).where(place, pass_.c.at <= until)
    return list(tx.conn.execute(rows.order_by(pass_.c.id).limit(limit)))


def passes(tx: Tx, ids: Sequence[str]) -> list[StoredPass]:
    """These passes with all their blocks, in the order of ``ids``; at most CHUNK at a time keep memory small."""
    heads = {row.id: row for row in tx.conn.execute(select(pass_).where(pass_.c.id.in_(ids)))}
    blocks: dict[str, list[str]] = {id_: [] for id_ in ids}
    wanted = select(pass_block).where(pass_block.c["pass"].in_(ids)).order_by(pass_block.c["pass"], pass_block.c.number)
    for row in tx.conn.execute(wanted):
        blocks[row[0]].append(_text(row.body))
    return [StoredPass(id_, heads[id_].at, _text(heads[id_].head), blocks[id_]) for id_ in ids if id_ in heads]


def claims_since(
    tx: Tx, queues: Collection[str], since: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[Any]:
    """Pulled decisions about tasks that wait or waited in ``queues``, oldest first, a page at a time."""
    place = (decision.c.at, decision.c.id)
    rows = select(decision.c.id, decision.c.at, decision.c.facts).join(task, task.c.id == decision.c.task)
    rows = rows.where(decision.c.way == "pull", decision.c.at >= since, task.c.queue.in_(queues))
    if after is not None:
        rows = rows.where(tuple_(*place) > after)
    return list(tx.conn.execute(rows.order_by(*place).limit(limit)))


def ends(tx: Tx, ids: Sequence[str], now: datetime) -> dict[str, datetime | None]:
    """When each of these tasks was done: None = not yet; what was cancelled counts for nobody."""
    columns = (task.c.id, task.c.state, task.c.completed_at, task.c.given_at)
    rows = tx.conn.execute(select(*columns).where(task.c.id.in_(ids)))
    return {row.id: row.completed_at or (row.given_at or now if row.state == "cancelled" else None) for row in rows}


def decisions_of(tx: Tx, task_id: str, most: int) -> list[Any]:
    """The decisions about a task, newest first."""
    wanted = select(decision).where(decision.c.task == task_id)
    return list(tx.conn.execute(wanted.order_by(decision.c.at.desc(), decision.c.id.desc()).limit(most)))


def names_of(tx: Tx, keys: Collection[str]) -> dict[str, str]:
    """Names of people by key."""
    return dict(tx.conn.execute(select(agent.c.key, agent.c.name).where(agent.c.key.in_(keys))).all())


def _text(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
