"""The claim: one person, one task, no other transaction in between.

The person's row is locked, the filters of person and shape (the same pure functions as everywhere) say which shapes
they may take, the heads of those shapes are merged, and the first one nobody else holds is theirs. Several queues are
never sorted together: each shape's head comes from its own index range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from taskhub.agents.capacity import minutes_left
from taskhub.assignment import eligibility, store
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.db.tables import absence, exclusion, task
from taskhub.db.tx import Tx
from taskhub.tasks.model import ASSIGNED, PAUSED, QUEUED
from taskhub.tasks.shape import Shape

HEADS = (4, 64, 1024)
PASSED_OVER = 20


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person may take now: shapes by id, and why not the others."""

    person: AgentFacts
    queues: Mapping[str, QueueFacts]
    allowed: Mapping[str, Shape]
    refused: Mapping[str, Shape]


def offer(tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts]) -> Offer:
    """Runs the person and shape filters over every shape of ``queues``."""
    shapes = store.shapes(tx, list(queues))
    may = eligibility.may_take_shapes(person, tuple(shapes.values()), queues, tx.now, plugins())
    allowed = set(may.shapes)
    return Offer(
        person, queues, {i: s for i, s in shapes.items() if s in allowed},
        {i: s for i, s in shapes.items() if s not in allowed},
    )  # fmt: skip


def own(tx: Tx, me: AgentFacts, queues: Sequence[str] | None, counted: Sequence[str]) -> str | None:
    """My own first: ended snoozes, then what I was given, by start_by. Locked.

    Without room a snooze ends only where it counted already: in the queues ``counted`` whose paused work does.
    """
    ended = and_(task.c.state == PAUSED, task.c.paused_until <= tx.now)
    if me.held >= me.capacity or not minutes_left(me.capacity_minutes, me.held_minutes):
        ended = and_(ended, task.c.queue.in_(counted))
    full = [queue for queue, cap in me.queue_caps.items() if me.held_by_queue.get(queue, 0) >= cap]
    if full:
        ended = and_(ended, or_(task.c.queue.in_(counted), task.c.queue.not_in(full)))
    mine = [task.c.agent == me.key, or_(task.c.state == ASSIGNED, ended)]
    if queues is not None:
        mine.append(task.c.queue.in_(queues))
    in_order = (task.c.state.desc(), task.c.start_by, task.c.created_at, task.c.id)
    head = select(task.c.id).where(*mine).order_by(*in_order).limit(1)
    return tx.conn.execute(head.with_for_update(skip_locked=True)).scalar()


def first(tx: Tx, offered: Offer) -> str | None:
    """The first waiting task the person may take that nobody else holds this moment, locked.

    All heads may be locked by others: look wider before saying there is nothing.
    """
    for each in HEADS:
        ids = _heads(tx, offered, each)
        if not ids:
            return None
        chosen = _lock_first(tx, ids)
        if chosen is not None or len(ids) < each:
            return chosen
    return None


def _heads(tx: Tx, offered: Offer, each: int) -> list[str]:
    if not offered.allowed:
        return []
    parts = [_head(tx, offered.person, id_, shape, each) for id_, shape in offered.allowed.items()]
    merged = union_all(*[select(part) for part in parts]).subquery()
    in_order = select(merged.c.id).order_by(merged.c.start_by, merged.c.created_at, merged.c.id).limit(each * 4)
    return list(tx.conn.execute(in_order).scalars())


def _head(tx: Tx, person: AgentFacts, shape_id: str, shape: Shape, each: int) -> Any:
    waiting = select(task.c.id, task.c.start_by, task.c.created_at).where(
        task.c.queue == shape.queue, task.c.shape == shape_id, task.c.state == QUEUED, *task_filters(tx, person)
    )
    return waiting.order_by(task.c.start_by, task.c.created_at, task.c.id).limit(each).subquery()


def task_filters(tx: Tx, person: AgentFacts) -> list[ColumnElement[bool]]:
    """The task-level filters in SQL; property-tested equal to eligibility.of_task."""
    holds = or_(exclusion.c.until.is_(None), exclusion.c.until > tx.now)
    filters = [~exists().where(exclusion.c.task == task.c.id, exclusion.c.agent == person.key, holds)]
    if person.absences:
        away = and_(
            absence.c.agent == person.key, absence.c.from_at <= task.c.due_at, absence.c.until_at > task.c.due_at
        )
        filters.append(or_(task.c.due_at.is_(None), task.c.due_at <= tx.now, ~exists().where(away)))
    return filters


def _lock_first(tx: Tx, ids: Sequence[str]) -> str | None:
    in_order = select(task.c.id).where(task.c.id.in_(ids), task.c.state == QUEUED)
    in_order = in_order.order_by(task.c.start_by, task.c.created_at, task.c.id).limit(1)
    return tx.conn.execute(in_order.with_for_update(skip_locked=True)).scalar()


def passed_over(tx: Tx, offered: Offer, start_by: Any) -> list[Any]:
    """What stood before the task that was taken: heads of shapes this person may not do, tasks kept from them."""
    ids = [*_refused_heads(tx, offered, start_by), *_kept_from(tx, offered, start_by)]
    return sorted(store.waiting(tx, ids), key=lambda row: (row.start_by, row.created_at, row.id))[:PASSED_OVER]


def _refused_heads(tx: Tx, offered: Offer, start_by: Any) -> list[str]:
    if not offered.refused:
        return []
    parts = [_head(tx, offered.person, id_, shape, 1) for id_, shape in offered.refused.items()]
    heads = union_all(*[select(part) for part in parts]).subquery()
    return list(tx.conn.execute(select(heads.c.id).where(heads.c.start_by < start_by)).scalars())


def _kept_from(tx: Tx, offered: Offer, start_by: Any) -> list[str]:
    holds = or_(exclusion.c.until.is_(None), exclusion.c.until > tx.now)
    mine = select(exclusion.c.task).where(exclusion.c.agent == offered.person.key, holds)
    kept = task.c.id.in_(mine), task.c.state == QUEUED, task.c.shape.in_(offered.allowed), task.c.start_by < start_by
    in_order = (task.c.start_by, task.c.created_at, task.c.id)
    return list(tx.conn.execute(select(task.c.id).where(*kept).order_by(*in_order).limit(PASSED_OVER)).scalars())
