"""A small reference of tasks, fed by history alone: who holds what, under which token, since when, and what is due."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from taskhub.db.types import instant_of, text_of
from tests.simulation.house import BUDGET, CAPACITY, LEASE_FOR, RETURNS
from tests.simulation.ledger_watch import Wrong

HISTORY = "select row, id, seq, act_id, at, by, act, change from history where noun = ? and row > ? order by row"
LEASES = "select task, agent, token, expires_at from lease"
TASK = "select state, agent, seq, version, pinned, due_at, paused_until, given_at from task where id = ?"
ENDED = ("completed", "cancelled")
GRANTS = {"claim": "queued", "start": "assigned", "resume": "paused"}
BUDGETS = {
    **dict.fromkeys(("contract", "call", "letter"), tuple(BUDGET.values())),
    **dict.fromkeys(("credit", "note"), (timedelta(hours=1),)),
}  # fmt: skip


class Lease(NamedTuple):
    """One row of the lease table; ``expires_at`` as it is stored."""

    task: str
    agent: str
    token: int
    expires_at: str


@dataclass
class Known:
    """What history says of one task."""

    kind: str
    queue: str
    state: str
    seq: int = 0
    version: int = 0
    agent: str | None = None
    given_by: str = ""
    pinned: bool = False
    explicit: bool = False
    stops: list[tuple[datetime, datetime]] = field(default_factory=list)
    stopped_at: datetime | None = None
    ended_at: datetime | None = None
    paused_until: str | None = None
    falls: set[tuple[str, str, str]] = field(default_factory=set)
    steps: list[tuple[int, str, str, str]] = field(default_factory=list)  # row, act id, by, act


@dataclass(frozen=True, slots=True)
class Doing:
    """Who acts in a step: ``handler`` of the row that ran; ``renews`` a person's leases; ``grace`` after a gap."""

    now: datetime
    handler: str = ""
    renews: str = ""
    grace: bool = False


class TaskWatch:
    """Reads what a step wrote to history and compares tasks and leases with the reference."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self.row = raw.execute("select coalesce(max(row), 0) from history").fetchone()[0]
        self.tasks: dict[str, Known] = {}
        self.leases: dict[str, Lease] = {}
        self.newest_token = 0

    def after(self, doing: Doing) -> None:
        """Raises Wrong for the first thing that may not be."""
        touched: dict[str, list[str]] = defaultdict(list)
        for row, id_, seq, act_id, at, by, act, change in self._raw.execute(HISTORY, ("task", self.row)).fetchall():
            self.row = max(self.row, row)
            self._step(doing, id_, seq, (row, act_id, by, act), orjson.loads(change), at)
            touched[id_].append(act)
        for id_ in touched:
            self._compare(id_)
        self._look_at_leases(doing, touched)
        self._capacity()

    # ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _step(
        self, doing: Doing, id_: str, seq: int, step: tuple[int, str, str, str], change: dict[str, Any], at: str
    ) -> None:
        _, _, by, act = step
        if act == "create":
            if id_ in self.tasks:
                raise Wrong(f"history: task {id_} was created twice")
            self.tasks[id_] = Known(change["kind"], change["queue"], change["state"])
        task = self.tasks.get(id_)
        if task is None:
            raise Wrong(f"history: task {id_} does {act} before it was created")
        if seq != task.seq + 1:
            raise Wrong(f"history: task {id_} goes from {task.seq} to {seq} with {act}")
        self._judge(doing, id_, task, act, change, by)
        self._clock(task, act, change, instant_of(at))
        task.seq, task.version = seq, task.version + (by != "worker" or act == "create")
        task.agent = change.get("agent", task.agent)
        task.pinned = change.get("pinned", task.pinned)
        task.explicit = change.get("explicit_due", task.explicit)
        task.paused_until = change.get("paused_until", task.paused_until)
        if change.get("state") is not None:
            task.state, task.given_by = change["state"], act
        task.steps.append(step)

    def _judge(self, doing: Doing, id_: str, task: Known, act: str, change: dict[str, Any], by: str) -> None:
        if change.get("state") is not None and act != "create" and change["from"] != task.state:
            raise Wrong(f"history: {act} takes task {id_} from {change['from']}, but it is {task.state}")
        if act in GRANTS and (task.state != GRANTS[act] or by == "worker"):
            raise Wrong(f"lease: {act} by {by} of task {id_}, which is {task.state} with {task.agent}")
        if act == "withdraw" and task.pinned:
            raise Wrong(f"pinned: task {id_} of {task.agent} was withdrawn")
        if act in ("expire", "set_aside") and doing.handler == "task.lease":
            self._ended(doing, id_, task, act)
        if act in ("sla.warned", "sla.breached"):
            self._fell(doing, id_, task, act, change)
        if act == "wake" and change.get("why") == "snooze.ended":
            self._woke(doing, id_, task)

    def _woke(self, doing: Doing, id_: str, task: Known) -> None:
        if task.paused_until is not None and datetime.fromisoformat(task.paused_until) > doing.now:
            raise Wrong(f"early: task {id_} was to sleep until {task.paused_until}, woke at {doing.now}")

    def _ended(self, doing: Doing, id_: str, task: Known, act: str) -> None:
        lease = self.leases.get(id_)
        if lease is not None and lease.expires_at > text_of(doing.now):
            raise Wrong(f"early: the lease of task {id_} until {lease.expires_at} ended at {doing.now}")
        if (act == "expire") != (task.queue in RETURNS):
            raise Wrong(f"lease: in {task.queue} an ended lease leads to {act}")

    def _fell(self, doing: Doing, id_: str, task: Known, act: str, change: dict[str, Any]) -> None:
        fall = act, change["target"], change["due"]
        due = datetime.fromisoformat(change["due"])
        if fall in task.falls:
            raise Wrong(f"twice: {act} of {change['target']} of task {id_} for {due}")
        if due > doing.now:
            raise Wrong(f"early: {act} of task {id_} due {due} at {doing.now}")
        task.falls.add(fall)
        if act != "sla.breached" or change["target"] != "completion" or task.explicit:
            return
        if due not in (expected := self._due(id_, task)):
            raise Wrong(f"clock: task {id_} breached at {due}; by its pauses it is due {[str(at) for at in expected]}")

    def _due(self, id_: str, task: Known) -> list[datetime]:
        sql = "select started_at from sla_clock where task = ? and target = 'completion'"
        (started_at,) = self._raw.execute(sql, (id_,)).fetchone()
        found = []
        for budget in BUDGETS[task.kind]:
            at = counted = instant_of(started_at)
            at += budget
            for begin, end in sorted(task.stops):
                since = max(begin, counted)  # after a step back two of them may overlap: no time stops twice
                at += max(end - since, timedelta()) if since < at else timedelta()
                counted = max(counted, end)
            found.append(at)
        return found

    def _clock(self, task: Known, act: str, change: dict[str, Any], at: datetime) -> None:
        """When the promise of this task stood still, by what people did."""
        left = task.state == "paused" and (act == "wake" or change.get("state", "paused") != "paused")
        if left and task.stopped_at is not None:
            task.stops.append((task.stopped_at, max(at, task.stopped_at)))
            task.stopped_at = None
        if change.get("state") == "paused" and change.get("paused_reason") == "waiting_customer":
            task.stopped_at = at
        if change.get("state") in ENDED:
            task.ended_at = at
        elif task.state in ENDED and change.get("state") is not None and task.ended_at is not None:
            task.stops.append((task.ended_at, max(at, task.ended_at)))
            task.ended_at = None

    def _compare(self, id_: str) -> None:
        task, row = self.tasks[id_], self._raw.execute(TASK, (id_,)).fetchone()
        if row is None:
            raise Wrong(f"history: task {id_} has history and is not there")
        said = (task.state, task.agent, task.seq, task.version, task.pinned)
        if said != (*row[:4], bool(row[4])):
            raise Wrong(f"history: task {id_} is {row[:5]}, history says {said}")

    # ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _look_at_leases(self, doing: Doing, touched: dict[str, list[str]]) -> None:
        was = self.leases
        self.leases = {row[0]: Lease(*row) for row in self._raw.execute(LEASES)}
        for id_ in [id_ for id_ in touched if self.tasks[id_].state == "in_progress" and id_ not in self.leases]:
            raise Wrong(f"lease: task {id_} is in progress without a lease")
        for lease in sorted(self.leases.values(), key=lambda one: one.token):
            task, old = self.tasks[lease.task], was.get(lease.task)
            if task.state != "in_progress" or task.agent != lease.agent:
                raise Wrong(f"lease: {lease.agent} holds task {lease.task}, which is {task.state} with {task.agent}")
            if old is None or GRANTS.keys() & set(touched.get(lease.task, ())):
                self._granted(doing, lease)
            elif lease.token != old.token:
                raise Wrong(f"lease: the token of task {lease.task} changed from {old.token} to {lease.token}")
            else:
                self._lives(doing, old, lease)
        for id_ in was.keys() - self.leases.keys():
            if not touched.get(id_):
                raise Wrong(f"lease: the lease of task {id_} is gone without history")

    def _granted(self, doing: Doing, lease: Lease) -> None:
        if lease.token <= self.newest_token:
            raise Wrong(f"lease: token {lease.token} comes after {self.newest_token}")
        self.newest_token = lease.token
        if lease.expires_at != text_of(doing.now + LEASE_FOR):
            raise Wrong(f"lease: granted at {doing.now} until {lease.expires_at}")

    def _lives(self, doing: Doing, old: Lease, lease: Lease) -> None:
        term = text_of(doing.now + LEASE_FOR)
        longer = doing.grace or doing.renews == lease.agent
        if longer and lease.expires_at < term:
            raise Wrong(f"lease: {lease} has no new term at {doing.now}")
        if not longer and lease.expires_at != old.expires_at:
            raise Wrong(f"lease: the end of {old} moved to {lease.expires_at}")

    def _capacity(self) -> None:
        held: dict[str, int] = defaultdict(int)
        for task in self.tasks.values():
            if task.agent is not None and task.state in ("assigned", "in_progress"):
                held[task.agent] += 1
        over = {who: count for who, count in held.items() if count > CAPACITY}
        if over:
            raise Wrong(f"capacity: {over} held, {CAPACITY} fit")

    # ── what calls may do ────────────────────────────────────────────────────────────────────────────────────────────
    def token_is_alive(self, task: str, token: int | None, who: str) -> bool:
        """Whether ``who`` holds ``task`` under this token."""
        lease = self.leases.get(task)
        return lease is not None and (lease.token, lease.agent) == (token, who)
