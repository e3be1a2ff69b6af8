"""The only SQL that writes tasks, leases, pauses, clocks and exclusions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import sqlite

from taskhub.db import rows
from taskhub.db.quick import array, quick, run
from taskhub.db.tables import agent, closing, counter, exclusion, fence, lease, pause, shape, sla_clock, task
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.tasks.held_back import HELD_BACK, HeldBack
from taskhub.tasks.model import BLOCKED, PAUSED, UNGIVEN, Lease, Remembered, Task
from taskhub.tasks.shape import Shape

_COLUMNS = [task.c[name] for name in Task.__slots__]

# Built once: the toolkit then finds what it compiled without looking through the statement at every call.
_TASK = select(*_COLUMNS).where(task.c.id == bindparam("task"))
_LOCKED_TASK = _TASK.with_for_update()
_LEASE: Select[Any] = select(lease).where(lease.c.task == bindparam("task"))
_LOCKED_LEASE = _LEASE.with_for_update()
_END_LEASE = delete(lease).where(lease.c.task == bindparam("of"))
_PAUSES: Select[Any] = select(pause).where(pause.c.task == bindparam("task")).order_by(pause.c.from_at, pause.c.id)
_CLOCKS: Select[Any] = select(sla_clock).where(sla_clock.c.task == bindparam("task")).order_by(sla_clock.c.target)


def lock(tx: Tx, task_id: str) -> Task | None:
    """The task, locked until the transaction ends."""
    if (known := tx.lookups.get(f"task:{task_id}")) is not None:
        return cast("Task", known)
    row = tx.conn.execute(_LOCKED_TASK, {"task": task_id}).first()
    return Task(*row) if row else None


def lock_many(tx: Tx, ids: Iterable[str]) -> list[Task]:
    """Tasks locked in the order of their ids."""
    chosen = select(*_COLUMNS).where(task.c.id.in_(list(ids))).order_by(task.c.id).with_for_update()
    return [Task(*row) for row in tx.conn.execute(chosen)]


def get(tx: Tx, task_id: str) -> Task | None:
    """The task as it is now, unlocked."""
    if (known := tx.lookups.get(f"task:{task_id}")) is not None:
        return cast("Task", known)
    row = tx.conn.execute(_TASK, {"task": task_id}).first()
    return Task(*row) if row else None


def insert_new(tx: Tx, new: Sequence[Mapping[str, Any]]) -> set[str]:
    """Inserts rows whose origin is new. Returns the ids that were inserted."""
    return rows.add(tx.conn, task, new, unique="origin", back="id")


def by_origin(tx: Tx, origin: str) -> Task:
    """The task that came of ``origin``, locked."""
    return Task(*tx.conn.execute(select(*_COLUMNS).where(task.c.origin == origin).with_for_update()).one())


def save(tx: Tx, task_id: str, changes: Mapping[str, Any]) -> None:
    """Writes changed columns of a locked task."""
    held_back, known = tx.lookups.get(HELD_BACK), tx.lookups.pop(f"task:{task_id}", None)
    if held_back is None or known is None:
        rows.alter(tx.conn, task, [{"id": task_id, **changes}])
    else:
        tx.lookups[f"task:{task_id}"] = replace(known, **changes)
        held_back.save(task_id, changes)


_shapes: WeakKeyDictionary[Engine, dict[str, str]] = WeakKeyDictionary()
STORED = ""


def know_shape(tx: Tx, new: Shape) -> None:
    """Registers a shape once. What somebody else's transaction has stored is remembered: shapes never go."""
    known = _shapes.setdefault(tx.conn.engine, {})
    if known.get(new.id) == STORED:
        return
    values = {"id": new.id, "queue": new.queue, "kind": new.kind, "text": new.text}
    if rows.add(tx.conn, shape, [values], unique="id", back="id"):
        known[new.id] = tx.act_id
    elif known.get(new.id) != tx.act_id:
        known[new.id] = STORED


def shape_of(tx: Tx, shape_id: str) -> Shape:
    """A shape by its id."""
    return Shape.parse(tx.conn.execute(select(shape.c.text).where(shape.c.id == shape_id)).scalar_one())


def exclude(tx: Tx, people: Sequence[Mapping[str, Any]]) -> None:
    """Keeps people out of tasks; a later row for the same (task, agent, why) moves its end."""
    rows.put(tx.conn, exclusion, people)


def exclusions(tx: Tx, task_id: str) -> list[tuple[str, str, datetime | None]]:
    """(agent, why, until) of those who may not take the task."""
    of_task = select(exclusion.c.agent, exclusion.c.why, exclusion.c.until).where(exclusion.c.task == task_id)
    return [(row.agent, row.why, row.until) for row in tx.conn.execute(of_task)]


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def next_token(tx: Tx) -> int:
    """A token larger than every one before it."""
    if not tx.lite:
        return int(tx.conn.execute(fence.next_value()).scalar_one())
    statement = sqlite.insert(counter).values(name="fence", value=1)
    raised = statement.on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + 1})
    return int(tx.conn.execute(raised.returning(counter.c.value)).scalar_one())


def grant(tx: Tx, task_id: str, agent_key: str, expires_at: datetime) -> Lease:
    """A new lease with a new token; what was there before is dead."""
    new = Lease(task_id, agent_key, next_token(tx), expires_at)
    values = {"task": new.task, "agent": new.agent, "token": new.token, "expires_at": new.expires_at}
    rows.put(tx.conn, lease, [values])
    return new


def lease_of(tx: Tx, task_id: str, *, locked: bool = True) -> Lease | None:
    """The live lease of a task."""
    row = tx.conn.execute(_LOCKED_LEASE if locked else _LEASE, {"task": task_id}).first()
    return Lease(*row) if row else None


def renew(tx: Tx, task_id: str, token: int, expires_at: datetime) -> bool:
    """Prolongs the lease if ``token`` still holds."""
    held = update(lease).where(lease.c.task == task_id, lease.c.token == token)
    return tx.conn.execute(held.values(expires_at=expires_at)).rowcount == 1


def renew_all(tx: Tx, agent_key: str, expires_at: datetime) -> None:
    """Prolongs every lease of one person: their screen is alive."""
    failpoint("lease.renewing")
    later = and_(lease.c.agent == agent_key, lease.c.expires_at < expires_at)
    tx.conn.execute(update(lease).where(later).values(expires_at=expires_at))


def end_lease(tx: Tx, task_id: str) -> None:
    """The token is dead from here on."""
    tx.conn.execute(_END_LEASE, {"of": task_id})


def prolong(tx: Tx, ends: Mapping[str, datetime]) -> None:
    """After an outage of the workers: locked leases of these tasks end then."""
    each = update(lease).where(lease.c.task == bindparam("of")).values(expires_at=bindparam("until"))
    if ends:
        tx.conn.execute(each, [{"of": task_id, "until": until} for task_id, until in ends.items()])


# ── pauses and clocks ────────────────────────────────────────────────────────────────────────────────────────────────
def open_pause(tx: Tx, task_id: str, reason: str, *, stops: bool, at: datetime) -> None:
    """A pause begins."""
    tx.lookups.pop(f"pauses:{task_id}", None)
    tx.conn.execute(insert(pause).values(task=task_id, from_at=at, reason=reason, by=tx.by.label, stops_clock=stops))


def put_pause(tx: Tx, task_id: str, reason: str, from_at: datetime, to_at: datetime) -> None:
    """A closed stretch that stops the clock: the time a task lay done before it was reopened."""
    tx.lookups.pop(f"pauses:{task_id}", None)
    values = {"task": task_id, "from_at": from_at, "to_at": to_at, "reason": reason, "by": tx.by.label}
    tx.conn.execute(insert(pause).values(**values, stops_clock=True))


def end_pause(tx: Tx, paused: Task) -> None:
    """The open pause of a paused task, if any, ends now."""
    if paused.state == PAUSED:
        tx.lookups.pop(f"pauses:{paused.id}", None)
        still = update(pause).where(pause.c.task == paused.id, pause.c.to_at.is_(None))
        tx.conn.execute(still.values(to_at=tx.now))


def pauses(tx: Tx, task_id: str) -> list[Any]:
    """Every pause of a task, oldest first: from_at, to_at, reason, by, stops_clock."""
    known = tx.lookups.get(f"pauses:{task_id}")
    return known if known is not None else list(tx.conn.execute(_PAUSES, {"task": task_id}))


def last_pause(tx: Tx, task_id: str) -> Any:
    """The latest pause of a task, open or over."""
    return next(reversed(pauses(tx, task_id)), None)


def set_reminder(tx: Tx, task_id: str, pause_id: int, at: datetime | None) -> None:
    """When somebody is reminded of a pause of the task next."""
    tx.lookups.pop(f"pauses:{task_id}", None)
    tx.conn.execute(update(pause).where(pause.c.id == pause_id).values(remind_at=at))


def put_clocks(tx: Tx, faces: Sequence[Mapping[str, Any]]) -> None:
    """Writes clocks as they are now, whole rows."""
    for face in faces:
        tx.lookups.pop(f"clocks:{face['task']}", None)
    if (held_back := tx.lookups.get(HELD_BACK)) is not None:
        held_back.put(faces)
    else:
        rows.put(tx.conn, sla_clock, faces)


@contextmanager
def held_back(tx: Tx) -> Iterator[None]:
    """Inside, changes of tasks read ahead, and clocks, are only noted; at the end each table is written once.

    Nobody may look for them by a statement of their own meanwhile, or read the clocks of a task again.
    """
    noted = tx.lookups[HELD_BACK] = HeldBack()
    yield
    del tx.lookups[HELD_BACK]
    for alike in noted.tasks_alike():
        rows.alter(tx.conn, task, alike)
    rows.put(tx.conn, sla_clock, list(noted.clocks.values()))


def drop_clocks(tx: Tx, task_id: str, targets: Sequence[str] = ("completion", "first_start")) -> None:
    """Nothing is promised any more, or not yet."""
    tx.lookups.pop(f"clocks:{task_id}", None)
    if targets:
        tx.conn.execute(delete(sla_clock).where(sla_clock.c.task == task_id, sla_clock.c.target.in_(targets)))


def clocks(tx: Tx, task_id: str) -> list[Any]:
    """The stored clocks of a task."""
    known = tx.lookups.get(f"clocks:{task_id}")
    return known if known is not None else list(tx.conn.execute(_CLOCKS, {"task": task_id}))


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def lock_agent(tx: Tx, agent_key: str) -> Any:
    """Locks a person's row: only acts that give work do this. None when there is no such person."""
    limits = agent.c.capacity, agent.c.capacity_minutes, agent.c.queue_caps
    wanted = select(agent.c.key, agent.c.active, agent.c.team, agent.c.name, *limits).where(agent.c.key == agent_key)
    return tx.conn.execute(wanted.with_for_update()).first()


def held(tx: Tx, agent_key: str, paused_queues: Sequence[str]) -> list[Any]:
    """Id, title, state, queue, minutes of what counts against a person's capacity. Read after the lock, by itself."""
    paused = and_(task.c.state == "paused", task.c.queue.in_(paused_queues))
    counts = or_(task.c.state.in_(("assigned", "in_progress")), paused)
    columns = task.c.id, task.c.title, task.c.state, task.c.queue, task.c.minutes
    return list(tx.conn.execute(select(*columns).where(task.c.agent == agent_key, counts)))


def of_record(tx: Tx, record: str, kinds: Sequence[str], states: Sequence[str]) -> list[Task]:
    """Tasks about a record or belonging to that lead or deal, locked; ``*`` in kinds means all."""
    noun, _, id_ = record.partition(":")
    about = [task.c.record == record, *([task.c[noun] == id_] if noun in ("lead", "deal") else [])]
    wanted = [or_(*about), task.c.state.in_(states), *([] if "*" in kinds else [task.c.kind.in_(kinds)])]
    found = tx.conn.execute(select(*_COLUMNS).where(*wanted).order_by(task.c.id).with_for_update())
    return [Task(*row) for row in found]


def waiting_in_file(tx: Tx, file: str) -> list[Task]:
    """Tasks of a file that wait for others and have not been given, locked; others stay free to be claimed."""
    here = select(task.c.id, task.c.state, task.c.waits_for).where(task.c.file == file, task.c.state.in_(UNGIVEN))
    waiting = [row.id for row in tx.conn.execute(here) if row.waits_for or row.state == BLOCKED]
    return [found for found in lock_many(tx, waiting) if found.state in UNGIVEN]


def remembered(tx: Tx, records: Sequence[str]) -> list[Remembered]:
    """Closings and completions remembered for any of ``records``, oldest change first."""
    if not tx.lite:
        return [Remembered(*row) for row in run(tx.conn, _REMEMBERED, {"records": array(records)})]
    columns = [closing.c[name] for name in Remembered._fields]
    found = select(*columns).where(closing.c.record.in_(records)).order_by(closing.c.version_at, closing.c.version_tie)
    return [Remembered(*row) for row in tx.conn.execute(found)]


_REMEMBERED = quick(
    f"SELECT {', '.join(Remembered._fields)} FROM closing"  # noqa: S608  only names of columns enter this text
    " WHERE record = ANY(:records) ORDER BY version_at, version_tie",
    records="text[]",
)


def remember(tx: Tx, values: Mapping[str, Any]) -> bool:
    """Remembers a closing once per origin. False when it was known."""
    return bool(rows.add(tx.conn, closing, [values], unique="origin", back="origin"))


def forget(tx: Tx, records: Sequence[str], events: Collection[str]) -> list[Remembered]:
    """What these events ended about these records is remembered no more. Returns what was."""
    theirs = closing.c.record.in_(records), closing.c.event.in_(list(events))
    gone = delete(closing).where(*theirs).returning(*[closing.c[name] for name in Remembered._fields])
    return [Remembered(*row) for row in tx.conn.execute(gone)]


def stamp(tx: Tx, ids: Sequence[str]) -> None:
    """Locked tasks follow the active set as they are."""
    for task_id in ids:
        tx.lookups.pop(f"task:{task_id}", None)
    if ids:
        tx.conn.execute(update(task).where(task.c.id.in_(ids)).values(policy_hash=tx.policies.hash))
