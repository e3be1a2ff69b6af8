"""Questions for offenders: nothing found means that it holds. The numbers are those of docs/how-to/operate.md.

``CHEAP`` ones read what is open (leases, work that waits or is done, blocked work), each by an index. ``DEEP`` ones
read whole tables: for the quiet hour.
"""

# ruff: noqa: S608  every part of these statements stands on this page
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, String, bindparam, text

from taskhub.db.types import Instant

MOST = 1_000
SHOWN = 3
LATE = timedelta(minutes=1)
OPEN_ROW = "m.mode = 'one' and m.done_at is null and m.dead_at is null"
HELD = "t.state in ('assigned','in_progress','paused')"
ALIVE = "t.state in ('queued','assigned','in_progress')"


def _waits(handler: str, which: str = "") -> str:
    """Asked twice, so that each question is one of a partial index."""
    row = f"exists (select 1 from message m where m.handler = '{handler}' and m.key = t.id and {OPEN_ROW}"
    return f"({row} and m.token is null{which}) or {row} and m.token is not null{which}))"


RUNS = (
    f"from task t join sla_clock c on c.task = t.id where {ALIVE} and c.due_at is not null and c.met_at is null"
    " and c.breached_at is null"
)
SOON = " and (m.due_at <= :now or m.attempts > 0)"  # one that failed waits for its next try


CHEAP: Mapping[str, str] = {
    "I3 leases without a task in progress":
        "select l.task from lease l left join task t on t.id = l.task"
        " where t.id is null or t.state <> 'in_progress' or t.agent <> l.agent",
    "I3 tasks in progress without a lease":
        "select t.id from task t where t.state = 'in_progress'"
        " and not exists (select 1 from lease l where l.task = t.id)",
    "I3 tasks given to nobody":
        f"select t.id from task t where {HELD} and t.agent is null",
    "I5 people who hold more than their capacity":
        "select a.key from task t join agent a on a.key = t.agent where t.state in ('assigned','in_progress')"
        " group by a.key, a.capacity having count(*) > a.capacity",
    "I7 leases nobody will look at when they end":
        f"select t.id from task t where t.state = 'in_progress' and not {_waits('task.lease')}",
    "I7 pauses nobody will look at when they end":
        f"select t.id from task t where t.state = 'paused' and t.paused_until > :now and not {_waits('task.snooze')}",
    "I7 blocked tasks nobody will look at on their date":
        "select t.id from task t where t.state = 'blocked' and t.blocked_until is not null"
        f" and not {_waits('task.block')}",
    "I8 clocks nobody will look at when they fall due":
        f"select t.id, c.target {RUNS} and not {_waits('task.clock')}",
    # Where no worker looks, what is late is merely late: its timer is due.
    "I8 overdue clocks that are on record only later":
        f"select t.id, c.target {RUNS} and c.due_at < :late and {_waits('task.clock')}"
        f" and not {_waits('task.clock', SOON)}",
    # One whose first step has fired may have come to its end; what another set stamped is still to be gone through.
    "I8 ladders nobody will look at":
        "select t.id from task t where t.sla in :ladders and t.policy_hash = :active and t.due_at is not null"
        f" and t.acknowledged_at is null and t.ladder_from is null and {ALIVE} and not {_waits('escalation.step')}"
        " and not exists (select 1 from escalation e where e.task = t.id)",
}  # fmt: skip
DEEP: Mapping[str, str] = {
    "I1 settled events without reason or time":
        "select id from event where state <> 'received' and ((state = 'applied') <> (applied_at is not null)"
        " or (state <> 'applied') <> (reason is not null))",
    "I3 waiting tasks that somebody holds":
        "select t.id from task t where t.state = 'queued' and t.agent is not null",
    "I6 changes that had an effect twice":
        "select origin from task where origin is not null group by origin having count(*) > 1",
    "I9 records whose history has a gap":
        "select noun, id from history group by noun, id having count(*) <> max(seq)",
    "I15 kept keys without their reply":
        "select caller, route, key from idempotency where status is null or reply is null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold: how often (up to MOST) and the first offenders."""

    name: str
    count: int
    such_as: tuple[str, ...]

    def __str__(self) -> str:
        often = f"{self.count} or more" if self.count >= MOST else str(self.count)
        return f"{self.name}: {often}, such as {', '.join(self.such_as)}"


def broken(
    conn: Connection, now: datetime, *, deep: bool = False, active: str = "", ladders: Collection[str] = ()
) -> list[Broken]:
    """The invariants that do not hold at ``now``.

    ``ladders``: the SLA policies of the set ``active`` (its hash) whose ladders have a step for what is overdue.
    """
    asked = {**CHEAP, **(DEEP if deep else {})}
    given: list[BindParameter[Any]] = [
        bindparam("now", now, type_=Instant()), bindparam("late", now - LATE, type_=Instant()),
        bindparam("active", active), bindparam("ladders", list(ladders), type_=String(), expanding=True),
    ]  # fmt: skip
    found = ((name, _offenders(conn, sql, given)) for name, sql in asked.items())
    return [Broken(name, len(rows), tuple(rows[:SHOWN])) for name, rows in found if rows]


def _offenders(conn: Connection, sql: str, given: Sequence[BindParameter[Any]]) -> list[str]:
    wanted: Any = text(f"{sql} limit {MOST}")
    wanted = wanted.bindparams(*[one for one in given if f":{one.key}" in sql])
    return ["/".join(map(str, row)) for row in conn.execute(wanted)]
