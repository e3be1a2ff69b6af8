"""What must hold whatever happened, asked of the database itself; to be asked when nothing is due any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from taskhub.db.database import Database
from taskhub.db.tables import task
from taskhub.db.types import Instant
from taskhub.flow import HANDLERS
from taskhub.rules.plan import MAX_DEPTH

OPEN_ROW = "done_at is null and dead_at is null"
ALIVE = "('queued', 'assigned', 'in_progress')"
SHOWN = 3
LATE = timedelta(seconds=15)


def _timer(handler: str) -> str:
    assert handler in HANDLERS, handler
    return f"t.id in (select key from message where handler = '{handler}' and {OPEN_ROW})"


# Each asks for offenders; nothing found means that it holds.
CHECKS = {
    "I1 every accepted event ends applied, ignored or quarantined":
        "select id, state from event where state not in ('applied', 'ignored', 'quarantined')",
    "I1 what is not applied says why, what is applied says when":
        "select id, state from event where (state = 'applied') <> (applied_at is not null)"
        " or (state <> 'applied') <> (reason is not null)",
    "I2 no task vanishes":
        "select id from history where noun = 'task' and act = 'create' and id not in (select id from task)",
    "I2 every task was created":
        "select id from task where id not in (select id from history where noun = 'task' and act = 'create')",
    "I3 a lease is held by whoever does the task":
        "select l.task from lease l left join task t on t.id = l.task"
        " where t.id is null or t.state <> 'in_progress' or t.agent <> l.agent",
    "I3 a task in progress has its one lease":
        "select t.id from task t where t.state = 'in_progress'"
        " and (select count(*) from lease l where l.task = t.id) <> 1",
    "I3 tokens are unique":
        "select token from lease group by token having count(*) > 1",
    "I5 nobody holds more than fits":
        "select a.key, count(*) from task t join agent a on a.key = t.agent"
        " where t.state in ('assigned', 'in_progress') group by a.key, a.capacity having count(*) > a.capacity",
    "I6 one effect of a change once, by origin":
        "select origin from task where origin is not null group by origin having count(*) > 1",
    "I6 one effect of a change once, by rule, record and version":
        "select rule, kind, record, version_at from task where rule is not null and version_at is not null"
        " and parent is null group by rule, kind, record, version_at, version_tie having count(*) > 1",
    # Work that follows upon work has its parent's version; who reopens and completes again completes once more.
    "I6 one follower of a completion once, by rule":
        "select rule, kind, parent from task t where rule is not null and parent is not null"
        " group by rule, kind, parent having count(*) >"
        " (select count(*) from history h where h.noun = 'task' and h.id = t.parent and h.act = 'complete')",
    "I6 one event once":
        "select source, external_id, delivery_key from event where variant = ''"
        " group by source, external_id, delivery_key having count(*) > 1",
    "I7 a task that waits for its date is looked at":
        f"select id from task t where state = 'blocked' and blocked_until is not null and not {_timer('task.block')}",
    "I7 a lease is looked at when it ends":
        f"select id from task t where state = 'in_progress' and not {_timer('task.lease')}",
    "I7 a pause is looked at when it ends":
        f"select id from task t where state = 'paused' and paused_until > :now and not {_timer('task.snooze')}",
    "I7 nothing is done before it is due":
        "select id, handler, due_at, done_at from message where done_at is not null and done_at < due_at",
    "I7 a warning or breach is on record once":
        "select id, act, change ->> 'target', change ->> 'due' from history where act in ('sla.warned', 'sla.breached')"
        " group by id, act, change ->> 'target', change ->> 'due' having count(*) > 1",
    "I7 a step never fires early":
        "select task, step, repetition from escalation where at < due_at",
    "I7 a step fires once":
        "select t.task from (select task, count(*) as n from escalation group by task) t where t.n <>"
        " (select count(*) from history h where h.noun = 'escalation' and h.id = t.task and h.act = 'fire')",
    "I8 a breach is in history":
        "select c.task, c.target from sla_clock c where c.breached_at is not null and not exists"
        " (select 1 from history h where h.noun = 'task' and h.id = c.task and h.act = 'sla.breached')",
    "I8 what is late is on record":
        "select t.id, c.target, c.due_at from task t join sla_clock c on c.task = t.id where c.due_at < :late"
        f" and c.met_at is null and c.breached_at is null and t.state in {ALIVE}",
    "I8 a running clock is looked at":
        "select t.id, c.target from task t join sla_clock c on c.task = t.id where c.due_at is not null"
        f" and c.met_at is null and c.breached_at is null and t.state in {ALIVE} and not {_timer('task.clock')}",
    "I8 a ladder is looked at":
        "select id, kind from task t where sla is not null and due_at is not null and acknowledged_at is null"
        f" and ladder_from is null and state in {ALIVE} and not {_timer('escalation.step')}",
    "I9 the history of a task has no gap":
        "select id, count(*), min(seq), max(seq) from history where noun = 'task' group by id"
        " having count(*) <> max(seq) or min(seq) <> 1",
    "I9 a task has as much history as it says":
        "select t.id, t.seq from task t"
        " where t.seq <> (select max(h.seq) from history h where h.noun = 'task' and h.id = t.id)",
    "I11 a ready task was decided about":
        "select id, queue from task t where state = 'queued'"
        " and (waiting_reasons is null or not exists (select 1 from decision d where d.task = t.id))",
    "I11 a given task says by which decision":
        "select id, agent from task t where state in ('assigned', 'in_progress') and not exists"
        " (select 1 from decision d where d.task = t.id and d.outcome = 'assigned' and d.agent = t.agent)",
    "I14 chains end":
        f"select id, depth from task where depth > {MAX_DEPTH}",
    "I15 a kept key has its reply":
        "select caller, route, key from idempotency where status is null or reply is null",
    "I17 no message is dead":
        "select id, handler, key, attempts, error from message where dead_at is not null",
    "I17 no message is left untaken, half done or waiting for another try":
        f"select id, handler, key, attempts, error from message where {OPEN_ROW} and (due_at <= :now or attempts > 0)",
}  # fmt: skip


def at_rest(db: Database) -> bool:
    """Whether nothing is due, taken or waiting for another try."""
    unrest = f"select 1 from message where {OPEN_ROW} and (due_at <= :now or attempts > 0) limit 1"
    with db.read() as tx:
        return tx.conn.execute(_asked(unrest), {"now": tx.now}).first() is None


def broken(conn: Connection, now: datetime) -> list[str]:
    """The invariants that do not hold, each with the first offenders."""
    found = [(name, _offenders(conn, sql, now)) for name, sql in CHECKS.items()]
    found += [("I9 a task is in the state its history ends in, by legal steps", list(_astray(conn)))]
    found += [("I7 blocked work waits for somebody", list(_forgotten(conn)))]
    found += [("I17 every message has a handler", list(_unheard(conn)))]
    return [f"{name}: {len(rows)}, such as {rows[:SHOWN]}" for name, rows in found if rows]


def _asked(sql: str) -> Any:
    names = [name for name in ("now", "late") if f":{name}" in sql]
    return text(sql).bindparams(*[bindparam(name, type_=Instant()) for name in names])


def _offenders(conn: Connection, sql: str, now: datetime) -> list[tuple[Any, ...]]:
    given = {name: at for name, at in (("now", now), ("late", now - LATE)) if f":{name}" in sql}
    return list(map(tuple, conn.execute(_asked(sql), given)))


def _astray(conn: Connection) -> Iterator[tuple[Any, ...]]:
    """Each step begins where the one before ended, the last ends where the task is."""
    steps = "select id, act, change ->> 'from', change ->> 'state' from history where noun = 'task' order by id, seq"
    at: dict[str, str] = {}
    for id_, act, frm, to in conn.execute(text(steps)):
        if to is not None:
            if at.get(id_) != frm:
                yield id_, act, f"from {frm}, but it was {at.get(id_)}"
            at[id_] = to
    for id_, state in conn.execute(select(task.c.id, task.c.state)):
        if at.get(id_) != state:
            yield id_, state, f"history says {at.get(id_)}"


def _forgotten(conn: Connection) -> Iterator[tuple[Any, ...]]:
    """Blocked by nobody and waiting for no date, or by somebody who is done."""
    ended = set(conn.execute(select(task.c.id).where(task.c.state.in_(("completed", "cancelled")))).scalars())
    waiting = select(task.c.id, task.c.kind, task.c.blocked_by, task.c.blocked_until).where(task.c.state == "blocked")
    for id_, kind, blocked_by, until in conn.execute(waiting):
        if ended & set(blocked_by) or (not blocked_by and until is None):
            yield id_, kind, blocked_by


def _unheard(conn: Connection) -> Iterator[tuple[Any, ...]]:
    for (handler,) in conn.execute(text(f"select distinct handler from message where {OPEN_ROW}")):
        if handler not in HANDLERS:
            yield (handler,)
