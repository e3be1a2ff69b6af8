"""What the tasks room asks of several rows at once: files, second looks, what else waits for a customer. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, tuple_

from taskhub.db.tables import act, history, lease, pause, sla_clock, task
from taskhub.db.tx import Tx
from taskhub.tasks import store
from taskhub.tasks.model import BLOCKED, COMPLETED, GIVEN, OPEN, PAUSED, QUEUED, WRONG, Cause, Lease, Task

_check, _first = task.alias("looks_again"), task.alias("first")
# A verdict holds for the completion it looked at; work done again has its own check.
_HOLDS = and_(
    _check.c.checks == _first.c.id, _check.c.blocking, _check.c.created_at >= _first.c.completed_at,
    or_(_check.c.state.in_(OPEN), _check.c.outcome == WRONG),
)  # fmt: skip


def lock_ahead(tx: Tx, ids: Sequence[str]) -> None:
    """Locks tasks in the order of their ids and reads them, their clocks and their pauses: one statement each.

    Whoever then asks the store for one of them gets what was read here, until it is written.
    """
    found = {one.id: one for one in store.lock_many(tx, ids)}
    tx.lookups |= {f"task:{id_}": one for id_, one in found.items()}
    tables = (("clocks", sla_clock, (sla_clock.c.target,)), ("pauses", pause, (pause.c.from_at, pause.c.id)))
    for name, table, order in tables:
        read: dict[str, list[Any]] = {id_: [] for id_ in found}
        for row in tx.conn.execute(select(table).where(table.c.task.in_(list(found))).order_by(table.c.task, *order)):
            read[row.task].append(row)
        tx.lookups |= {f"{name}:{id_}": rows for id_, rows in read.items()}


def unsettled_in_file(tx: Tx, file: str) -> list[tuple[str, str]]:
    """(id, kind) of what a file's tasks may have to wait for: open tasks; blocking checks, under the kind they check.

    A completed task under a blocking check is not settled: the check stands in its place.
    """
    still = select(task.c.id, task.c.kind).where(task.c.file == file, task.c.state.in_(OPEN))
    held = select(_check.c.id, _first.c.kind).where(_first.c.file == file, _first.c.state == COMPLETED, _HOLDS)
    return [(row.id, row.kind) for wanted in (still, held) for row in tx.conn.execute(wanted)]


def held_back(tx: Tx, task_id: str) -> bool:
    """Whether what follows from a completed task has to wait for a check, or for the rework one has asked for."""
    wanted = select(_check.c.id).where(_first.c.id == task_id, _first.c.state == COMPLETED, _HOLDS)
    return tx.conn.execute(wanted.limit(1)).first() is not None


def looks_at(tx: Tx, task_id: str) -> list[dict[str, Any]]:
    """Every second look at a task, oldest first."""
    columns = (
        task.c.id,
        task.c.state,
        task.c.blocking,
        task.c.outcome,
        task.c.note,
        task.c.completed_by,
        task.c.completed_at,
    )
    rows = tx.conn.execute(select(*columns).where(task.c.checks == task_id).order_by(task.c.created_at, task.c.id))
    return [dict(row) for row in rows.mappings()]


def waiting_for_customer(tx: Tx, customer: str, besides: str, queues: Collection[str], most: int) -> Sequence[str]:
    """Ids of what else waits for the same customer in these queues, in order."""
    mine = and_(task.c.customer == customer, task.c.id != besides, task.c.state == QUEUED, task.c.queue.in_(queues))
    in_order = select(task.c.id).where(mine).order_by(task.c.start_by, task.c.created_at, task.c.id)
    return list(tx.conn.execute(in_order.limit(most)).scalars())


def served_last(tx: Tx, agent: str) -> str | None:
    """The customer of the task a person completed last."""
    mine = select(task.c.customer).where(task.c.completed_by == agent).order_by(task.c.completed_at.desc()).limit(1)
    return tx.conn.execute(mine).scalar()


def first_waiting(tx: Tx, queues: Collection[str], most: int) -> list[str]:
    """Ids of some waiting tasks of these queues, at most ``most``."""
    waiting = select(task.c.id).where(task.c.queue.in_(queues), task.c.state == QUEUED)
    return list(tx.conn.execute(waiting.limit(most)).scalars())


def skipped_since(tx: Tx, by: str, queue: str, since: datetime) -> int:
    """How many tasks of a queue one caller has skipped since then."""
    mine = select(act.c.touched).where(act.c.by == by, act.c.at >= since, act.c.kind == "task.skip")
    ids = [id_ for touched in tx.conn.execute(mine).scalars() for noun, id_ in touched if noun == "task"]
    in_queue = set(tx.conn.execute(select(task.c.id).where(task.c.id.in_(ids), task.c.queue == queue)).scalars())
    return sum(id_ in in_queue for id_ in ids)


def paused_by(tx: Tx, agent: str) -> list[Any]:
    """Id and title of what a person has paused, longest first."""
    mine = select(task.c.id, task.c.title).where(task.c.agent == agent, task.c.state == PAUSED)
    return list(tx.conn.execute(mine.order_by(task.c.paused_at, task.c.id)))


def put_aside_by(tx: Tx, task_id: str) -> str | None:
    """Whose act began the latest pause of a task; None where it never was paused."""
    row = store.last_pause(tx, task_id)
    return str(row.by) if row is not None else None


def since(tx: Tx, column: str, at: datetime, after: tuple[datetime, str] | None, limit: int) -> list[Task]:
    """Tasks that were ``created_at`` or ``completed_at`` since then, oldest first, a page at a time."""
    when = task.c[column]
    wanted = select(*[task.c[name] for name in Task.__slots__]).where(when >= at)
    if after is not None:
        wanted = wanted.where(tuple_(when, task.c.id) > tuple_(literal(after[0], when.type), after[1]))
    return [Task(*row) for row in tx.conn.execute(wanted.order_by(when, task.c.id).limit(limit))]


def ended_at(tx: Tx, task_id: str) -> datetime | None:
    """When a cancelled task was cancelled."""
    ends = history.c.act.in_(("cancel", "close", "close_instead"))
    mine = select(func.max(history.c.at)).where(history.c.noun == "task", history.c.id == task_id, ends)
    return tx.conn.execute(mine).scalar()


def open_by(tx: Tx, column: str) -> dict[str, int]:
    """Open tasks counted by ``queue`` or ``kind``."""
    counted = select(task.c[column], func.count()).where(task.c.state.in_(OPEN)).group_by(task.c[column])
    return dict(tx.conn.execute(counted).all())


def of_other_policies(tx: Tx, hash_: str, most: int) -> list[Task]:
    """Open tasks stamped with another policy set, locked."""
    stale = (
        select(*[task.c[name] for name in Task.__slots__])
        .where(task.c.state.in_(OPEN), task.c.policy_hash != hash_)
        .order_by(task.c.id)
        .limit(most)
    )
    return [Task(*row) for row in tx.conn.execute(stale.with_for_update())]


class Group(NamedTuple):
    """Open tasks of one stamp for which a change of the policies means the same."""

    policy_hash: str
    kind: str
    sla: str | None
    rule: str | None
    paused_reason: str | None


def groups(tx: Tx, hash_: str) -> list[Group]:
    """What open tasks stamped with another set than ``hash_`` there are."""
    columns = [task.c[name] for name in Group._fields]
    found = select(*columns).where(task.c.state.in_(OPEN), task.c.policy_hash != hash_).distinct()
    return [Group(*row) for row in tx.conn.execute(found)]


def of_group(tx: Tx, group: Group, most: int) -> list[str]:
    """Ids of the open tasks of a group, in order, locked."""
    same = [task.c[name].is_not_distinct_from(value) for name, value in group._asdict().items()]
    found = select(task.c.id).where(task.c.state.in_(OPEN), *same).order_by(task.c.id).limit(most)
    return list(tx.conn.execute(found.with_for_update()).scalars())


def made_by(tx: Tx, origins: Sequence[str], *, each: int = 5_000) -> dict[str, str]:
    """Origin -> task, of those that were really made."""
    found: dict[str, str] = {}
    for at in range(0, len(origins), each):
        rows = select(task.c.origin, task.c.id).where(task.c.origin.in_(origins[at : at + each]))
        found |= {row.origin: row.id for row in tx.conn.execute(rows)}
    return found


def by_ids(tx: Tx, ids: Sequence[str]) -> list[Task]:
    """These tasks, unlocked, in the order of their ids."""
    mine = select(*[task.c[name] for name in Task.__slots__]).where(task.c.id.in_(ids)).order_by(task.c.id)
    return [Task(*row) for row in tx.conn.execute(mine)]


def by_event(tx: Tx, event_id: str) -> list[str]:
    """Ids of the tasks an event made."""
    return list(tx.conn.execute(select(task.c.id).where(task.c.event == event_id).order_by(task.c.id)).scalars())


def followers_started(tx: Tx, done: Task) -> bool:
    """Whether a task that this one led to, or that waited for its kind in its file, has been started or ended."""
    begun = task.c.state.in_(("in_progress", "paused", "completed"))
    near = or_(task.c.parent == done.id, and_(task.c.file == done.file, task.c.id != done.id))
    found = tx.conn.execute(select(task.c.parent, task.c.waits_for).where(near, begun))
    return any(row.parent == done.id or done.kind in row.waits_for for row in found)


def leases_of(tx: Tx, ids: Sequence[str]) -> dict[str, Lease]:
    """Live leases by task, for lists."""
    return {row.task: Lease(*row) for row in tx.conn.execute(select(lease).where(lease.c.task.in_(ids)))}


def live_leases(tx: Tx) -> list[Any]:
    """Task, end, queue and minutes of every lease, locked in the order of tasks."""
    columns = lease.c.task, lease.c.expires_at, task.c.queue, task.c.minutes
    wanted = select(*columns).join(task, task.c.id == lease.c.task).order_by(lease.c.task)
    return list(tx.conn.execute(wanted.with_for_update(of=lease)))


def given_to(tx: Tx, agent_key: str) -> list[Task]:
    """Everything with a person, locked in the order of ids."""
    mine = select(*[task.c[name] for name in Task.__slots__]).where(task.c.agent == agent_key, task.c.state.in_(GIVEN))
    return [Task(*row) for row in tx.conn.execute(mine.order_by(task.c.id).with_for_update())]


def find(tx: Tx, filters: Mapping[str, Any], after: tuple[datetime, str] | None, limit: int) -> list[Task]:
    """Tasks matching every filter (column -> value or list of values), newest first."""
    wanted: Select[Any] = (
        select(*[task.c[name] for name in Task.__slots__])
        .order_by(task.c.created_at.desc(), task.c.id.desc())
        .limit(limit)
    )
    for name, value in filters.items():
        column = task.c[name]
        wanted = wanted.where(column.in_(value) if isinstance(value, list | tuple | set) else column == value)
    if after is not None:
        place = tuple_(literal(after[0], task.c.created_at.type), after[1])
        wanted = wanted.where(tuple_(task.c.created_at, task.c.id) < place)
    return [Task(*row) for row in tx.conn.execute(wanted)]


def followers(tx: Tx, task_id: str) -> list[Task]:
    """What a task led to and nobody has begun, locked."""
    waiting = task.c.state.in_((BLOCKED, "queued", "assigned"))
    found = (
        select(*[task.c[name] for name in Task.__slots__])
        .where(task.c.parent == task_id, waiting)
        .order_by(task.c.id)
        .with_for_update()
    )
    return [Task(*row) for row in tx.conn.execute(found)]


def chained(tx: Tx, parent: str, at: datetime, tie: str) -> list[Task]:
    """What followed from a task under that version, locked."""
    place = task.c.parent == parent, task.c.version_at == at, task.c.version_tie == tie
    found = tx.conn.execute(
        select(*[task.c[name] for name in Task.__slots__]).where(*place).order_by(task.c.id).with_for_update()
    )
    return [Task(*row) for row in found]


def caused_by(tx: Tx, cause: Cause) -> list[str]:
    """Ids of the tasks that came of it."""
    told = task.c.event.in_(cause.events)
    about = [and_(or_(task.c.lead == cause.lead, task.c.record.in_(cause.records)), told)]
    about += [task.c.deal == cause.deal] if cause.deal else []
    about += [task.c.id == cause.task] if cause.task else []
    return list(tx.conn.execute(select(task.c.id).where(or_(*about)).order_by(task.c.id)).scalars())


def of_deal(tx: Tx, deal: str, lead: str | None) -> list[Task]:
    """Every task of a deal and those of its lead that are of no deal, in the order in which they were made."""
    before = [and_(task.c.lead == lead, task.c.deal.is_(None))] if lead is not None else []
    return _in_order(tx, or_(task.c.deal == deal, *before))


def of_lead(tx: Tx, lead: str) -> list[Task]:
    """Every task of a lead, those of its deals as well, in the order in which they were made."""
    return _in_order(tx, task.c.lead == lead)


def _in_order(tx: Tx, of: ColumnElement[bool]) -> list[Task]:
    mine = select(*[task.c[name] for name in Task.__slots__]).where(of)
    return [Task(*row) for row in tx.conn.execute(mine.order_by(task.c.created_at, task.c.id))]


def concerning(tx: Tx, record: str) -> list[Task]:
    """Every task about a record (noun:id), of that lead or deal, or done for that customer, by id; unlocked."""
    noun, _, id_ = record.partition(":")
    about = [task.c.record == record, task.c.customer == record]
    about += [task.c[noun] == id_] if noun in ("lead", "deal") else []
    mine = select(*[task.c[name] for name in Task.__slots__]).where(or_(*about))
    return [Task(*row) for row in tx.conn.execute(mine.order_by(task.c.id))]
