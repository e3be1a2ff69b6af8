"""What decisions read, and the only SQL that writes passes, decisions and turns."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, delete, exists, func, insert, or_, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from taskhub.assignment.fairness import Share
from taskhub.assignment.learning import Learnt
from taskhub.assignment.model import TaskFacts
from taskhub.assignment.queries.people import people as people  # noqa: PLC0414  one door to what decisions read
from taskhub.assignment.queries.people import person as person  # noqa: PLC0414
from taskhub.db import rows as bulk
from taskhub.db.tables import (
    agent,
    decision,
    duty,
    exclusion,
    fairness,
    learnt,
    pass_,
    pass_block,
    pool_state,
    shape,
    task,
    turn,
)
from taskhub.db.tx import Tx
from taskhub.tasks.model import ASSIGNED, GIVEN, QUEUED
from taskhub.tasks.shape import Shape


def pool_states(tx: Tx, queues: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What workers found for the pools of these queues."""
    rows = tx.conn.execute(select(pool_state).where(pool_state.c.queue.in_(queues)))
    return {row.queue: dict(row._mapping) for row in rows}


def shapes(tx: Tx, queues: Collection[str] | None) -> dict[str, Shape]:
    """Every shape seen in ``queues`` (None = all), by its id."""
    wanted = select(shape.c.id, shape.c.text)
    rows = tx.conn.execute(wanted if queues is None else wanted.where(shape.c.queue.in_(queues)))
    return {row.id: Shape.parse(row.text) for row in rows}


def let_in(tx: Tx, team_key: str) -> set[str]:
    """Queues in which work waits that an escalation has opened to a team."""
    waits = exists().where(task.c.queue == shape.c.queue, task.c.shape == shape.c.id, task.c.state == QUEUED)
    named = shape.c.text.contains(f'"{team_key}"', autoescape=True)
    rows = tx.conn.execute(select(shape.c.queue, shape.c.text).where(named, waits))
    return {row.queue for row in rows if team_key in Shape.parse(row.text).extra_teams}


_TASK = (
    task.c.id, task.c.shape, task.c.start_by, task.c.created_at, task.c.weight, task.c.minutes, task.c.due_at,
    task.c.waiting_reasons, task.c.seq, task.c.ready_at, task.c.customer, task.c.event,
)  # fmt: skip


def heads(tx: Tx, shapes_: Mapping[str, Shape], each: int) -> list[Any]:
    """The first ``each`` waiting tasks of every shape, by index."""
    if not shapes_:
        return []
    parts = [
        select(*_TASK)
        .where(task.c.queue == s.queue, task.c.shape == id_, task.c.state == QUEUED)
        .order_by(task.c.start_by, task.c.created_at, task.c.id)
        .limit(each)
        .subquery()
        for id_, s in shapes_.items()
    ]
    return list(tx.conn.execute(union_all(*[select(part) for part in parts])))


def unseen(tx: Tx, queues: Collection[str], limit: int) -> list[Any]:
    """Waiting tasks nobody has looked at yet, first come first."""
    new = and_(task.c.queue.in_(queues), task.c.state == QUEUED, task.c.waiting_reasons.is_(None))
    return list(tx.conn.execute(select(*_TASK).where(new).order_by(task.c.created_at, task.c.id).limit(limit)))


def waiting(tx: Tx, ids: Sequence[str]) -> list[Any]:
    """These very tasks, as ``heads`` shows them."""
    return list(tx.conn.execute(select(*_TASK).where(task.c.id.in_(ids)))) if ids else []


def excluded(tx: Tx, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Task -> agent -> why not them, as it holds now."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    holds = or_(exclusion.c.until.is_(None), exclusion.c.until > tx.now)
    for chunk in _chunks(ids):
        rows = tx.conn.execute(select(exclusion).where(exclusion.c.task.in_(chunk), holds).order_by(exclusion.c.why))
        for row in rows:
            found[row.task][row.agent] = row.why
    return found


def _chunks(ids: Sequence[str], size: int = 5000) -> Iterable[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def served_by(tx: Tx, customers: Collection[str]) -> dict[str, str]:
    """Customer -> who last completed work for them."""
    if not customers:
        return {}
    done = task.c.customer.in_(customers), task.c.completed_by.is_not(None)
    at = func.max(task.c.completed_at, type_=task.c.completed_at.type).label("at")
    last = select(task.c.customer, at).where(*done).group_by(task.c.customer).subquery()
    same = and_(task.c.customer == last.c.customer, task.c.completed_at == last.c.at, task.c.completed_by.is_not(None))
    rows = tx.conn.execute(select(task.c.customer, task.c.completed_by).join(last, same).order_by(task.c.id))
    return dict(rows.all())


def facts_of(
    row: Any, shapes_: Mapping[str, Shape], out: Mapping[str, Mapping[str, str]],
    served: Mapping[str, str] | None = None,
) -> TaskFacts:  # fmt: skip
    """A task row as a decision sees it; ``served`` says who last served which customer."""
    return TaskFacts(
        row.id, shapes_[row.shape], row.start_by, row.created_at, row.weight, row.minutes, row.due_at,
        out.get(row.id, {}), (served or {}).get(row.customer or ""), row.ready_at,
    )  # fmt: skip


def turns(tx: Tx, rotations: Collection[str], *, lock: bool = False) -> dict[str, dict[str, int]]:
    """Rotation -> agent -> turn."""
    found: dict[str, dict[str, int]] = {}
    wanted = select(turn).where(turn.c.rotation.in_(rotations)).order_by(turn.c.rotation, turn.c.agent)
    for row in tx.conn.execute(wanted.with_for_update() if lock else wanted):
        found.setdefault(row.rotation, {})[row.agent] = row.seq
    return found


def save_turns(tx: Tx, changed: Mapping[str, Mapping[str, int]]) -> None:
    """Writes the turns that moved."""
    moved = [{"rotation": r, "agent": a, "seq": n} for r, t in sorted(changed.items()) for a, n in sorted(t.items())]
    bulk.put(tx.conn, turn, moved)


def lock_agents(tx: Tx, keys: Collection[str]) -> None:
    """Locks people in the order of their keys; what they hold is read by the next statement."""
    tx.conn.execute(select(agent.c.key).where(agent.c.key.in_(keys)).order_by(agent.c.key).with_for_update()).all()


def lock_waiting(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    """Locks those of ``ids`` that still wait, in order of id. Returns their ``seq``."""
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(ids)):
        rows = select(task.c.id, task.c.seq).where(task.c.id.in_(chunk), task.c.state == QUEUED)
        found |= {r.id: r.seq for r in tx.conn.execute(rows.order_by(task.c.id).with_for_update(skip_locked=True))}
    return found


def offer(tx: Tx, given: Sequence[Mapping[str, Any]]) -> None:
    """Tasks given by a pass: ``id``, ``agent``, ``seq``."""
    fixed = {"state": ASSIGNED, "given_at": tx.now, "waiting_reasons": None, "pinned": False}
    bulk.alter(tx.conn, task, [{**one, **fixed} for one in given])


def wait(tx: Tx, left: Sequence[Mapping[str, Any]]) -> None:
    """New reasons of waiting tasks: ``id``, ``waiting_reasons``; a task that moved on meanwhile is left alone."""
    bulk.alter(tx.conn, task, left, still="state = 'queued'")


def save_pass(tx: Tx, id_: str, rotation: str, head: str, blocks: Sequence[str]) -> None:
    """A pass and its blocks, compressed."""
    tx.conn.execute(insert(pass_).values(id=id_, rotation=rotation, at=tx.now, head=zlib.compress(head.encode(), 1)))
    rows = [{"pass": id_, "number": n, "body": zlib.compress(b.encode(), 1)} for n, b in enumerate(blocks)]
    if rows:
        tx.conn.execute(insert(pass_block), rows)


def save_decisions(tx: Tx, made: Sequence[Mapping[str, Any]]) -> None:
    """Decision records."""
    bulk.insert(tx.conn, decision, made)


def stored_pass(tx: Tx, id_: str, block: int) -> tuple[str, str]:
    """Head and one block of a pass."""
    head = tx.conn.execute(select(pass_.c.head).where(pass_.c.id == id_)).scalar_one()
    place = and_(pass_block.c["pass"] == id_, pass_block.c.number == block)
    body = tx.conn.execute(select(pass_block.c.body).where(place)).scalar_one()
    return zlib.decompress(head).decode(), zlib.decompress(body).decode()


def team_of(tx: Tx, key: str) -> str | None:
    """The team of a person."""
    return tx.conn.execute(select(agent.c.team).where(agent.c.key == key)).scalar()


def counts(tx: Tx) -> list[Any]:
    """(queue, state, count) of open tasks."""
    rows = select(task.c.queue, task.c.state, func.count().label("n")).where(
        task.c.state.in_((QUEUED, *GIVEN, "blocked"))
    )
    return list(tx.conn.execute(rows.group_by(task.c.queue, task.c.state)))


def wake_up(tx: Tx, key: str) -> None:
    """A claim by an offline person says that they are there."""
    there = {"presence": "available", "presence_until": None, "presence_at": tx.now}
    tx.conn.execute(update(agent).where(agent.c.key == key).values(**there))
    tx.record("agent", key, "presence", there | {"presence_at": tx.now.isoformat()})


# ── what finished work teaches ───────────────────────────────────────────────────────────────────────────────────────
def learnt_locked(tx: Tx, kind: str, agent_key: str) -> Learnt:
    """What is learnt of a kind and person, locked; a row is made where there is none."""
    new = {"kind": kind, "agent": agent_key, "n": 0, "minutes": 0.0, "at": tx.now}
    tx.conn.execute(_upsert(tx, learnt).values(new).on_conflict_do_nothing())
    here = select(learnt.c.n, learnt.c.minutes).where(learnt.c.kind == kind, learnt.c.agent == agent_key)
    row = tx.conn.execute(here.with_for_update()).one()
    return Learnt(row.n, row.minutes)


def save_learnt(tx: Tx, kind: str, agent_key: str, known: Learnt) -> None:
    """Writes a locked row back."""
    here = update(learnt).where(learnt.c.kind == kind, learnt.c.agent == agent_key)
    tx.conn.execute(here.values(n=known.n, minutes=known.minutes, at=tx.now))


def add_share(tx: Tx, agent_key: str, share: Share) -> None:
    """Adds one task to a person's ledger."""
    figures = {"tasks": share.tasks, "minutes": share.minutes, "hard": share.hard, "late": share.late}
    _add_up(tx, {"agent": agent_key, "on": share.on, "duty": 0, **figures}, tuple(figures))


def add_duty(tx: Tx, agent_key: str, on: str) -> None:
    """Adds one duty turn to a person's ledger."""
    _add_up(tx, {"agent": agent_key, "on": on, "tasks": 0, "minutes": 0.0, "hard": 0, "late": 0, "duty": 1}, ("duty",))


def _add_up(tx: Tx, row: Mapping[str, Any], figures: Sequence[str]) -> None:
    statement = _upsert(tx, fairness).values(dict(row))
    sums = {name: fairness.c[name] + statement.excluded[name] for name in figures}
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["agent", "on"], set_=sums))


def _upsert(tx: Tx, table: Table) -> Any:
    return (sqlite if tx.lite else postgresql).insert(table)


# ── pools ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def pool_locked(tx: Tx, queue: str) -> dict[str, Any]:
    """What was found for a queue's pool, locked; made where there is nothing yet."""
    new = {"queue": queue, "version": 0, "open": False, "members": None, "facts": {}, "at": tx.now}
    tx.conn.execute(_upsert(tx, pool_state).values(new).on_conflict_do_nothing())
    return dict(tx.conn.execute(select(pool_state).where(pool_state.c.queue == queue).with_for_update()).one()._mapping)


def save_pool(tx: Tx, queue: str, version: int, found: Mapping[str, Any]) -> None:
    """Writes a locked pool."""
    tx.conn.execute(update(pool_state).where(pool_state.c.queue == queue).values(version=version, at=tx.now, **found))


def save_duties(tx: Tx, queue: str, since: datetime, rows: Sequence[tuple[str, datetime, datetime, list[str]]]) -> None:
    """Writes the plan of a queue from ``since`` on anew: (agent, from, until, kinds)."""
    tx.conn.execute(delete(duty).where(duty.c.queue == queue, duty.c.from_at >= since))
    names = ("agent", "from_at", "until_at", "kinds")
    if rows:
        tx.conn.execute(insert(duty), [{"queue": queue, **dict(zip(names, row, strict=True))} for row in rows])
