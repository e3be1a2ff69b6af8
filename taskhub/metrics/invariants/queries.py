"""Questions for offenders: nothing found means that it holds. The numbers are those of docs/how-to/operate.md.

``CHEAP`` ones read what is in hand (leases, work in progress, blocked work), each by an index. ``DEEP`` ones read whole
tables: for the quiet hour.
"""

# ruff: noqa: S608  every part of these statements stands on this page
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, text

from taskhub.db.types import Instant

MOST = 1_000
SHOWN = 3
OPEN_ROW = "m.done_at is null and m.dead_at is null"
HELD = "t.state in ('assigned','in_progress','paused')"


def _waits(handler: str) -> str:
    return f"exists (select 1 from message m where m.handler = '{handler}' and m.key = t.id and {OPEN_ROW})"


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


def broken(conn: Connection, now: datetime, *, deep: bool = False) -> list[Broken]:
    """The invariants that do not hold at ``now``."""
    asked = {**CHEAP, **(DEEP if deep else {})}
    found = ((name, _offenders(conn, sql, now)) for name, sql in asked.items())
    return [Broken(name, len(rows), tuple(rows[:SHOWN])) for name, rows in found if rows]


def _offenders(conn: Connection, sql: str, now: datetime) -> list[str]:
    wanted: Any = text(f"{sql} limit {MOST}")
    if ":now" in sql:
        wanted = wanted.bindparams(bindparam("now", now, type_=Instant()))
    return ["/".join(map(str, row)) for row in conn.execute(wanted)]
