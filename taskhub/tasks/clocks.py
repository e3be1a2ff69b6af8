"""The SLA clocks of a task in the database: opened, recounted, fallen due, stopped. The sla room does the sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from taskhub.calendars import BusinessCalendar
from taskhub.db.tx import Tx
from taskhub.policy.promise import SlaPolicy
from taskhub.policy.work import PRIORITIES
from taskhub.queues import periods
from taskhub.sla import clock as sla
from taskhub.sla import times
from taskhub.sla.targets import promised
from taskhub.tasks import laps, order, queries, store
from taskhub.tasks.model import CANCELLED, Task

TIMERS = ("clock.due", "escalation.step")


@dataclass(frozen=True, slots=True)
class Opened:
    """Clock rows to write, what the task shows of them, and when to look next."""

    rows: list[dict[str, Any]]
    due_at: datetime | None
    state: str | None
    next_look: datetime | None


def row_of(task: Task | Mapping[str, Any]) -> Mapping[str, Any]:
    """The task's columns by name."""
    return task if isinstance(task, Mapping) else {name: getattr(task, name) for name in Task.__slots__}


def starts_at(
    tx: Tx, sla_key: str | None, occurred_at: datetime | None, ready_at: datetime, *, sla_from: str | None = None,
    rule: str | None = None,
) -> datetime:  # fmt: skip
    """When clocks begin to run: promise or rule may count from when it happened, also where the work had to wait."""
    policy = tx.policies.sla.get(sla_key or "")
    if sla_from is None:
        sla_from = next((one.sla_from for one in tx.policies.rules if one.key == rule), None)
    early = "occurred_at" in (sla_from, policy.sla_from if policy else None)
    return min(occurred_at, ready_at) if early and occurred_at is not None else ready_at


def opening(tx: Tx, row: Mapping[str, Any], *, started_at: datetime) -> Opened:
    """Clocks of a task that becomes ready, counting from ``started_at``."""
    policy = tx.policies.sla.get(row["sla"] or "")
    clocks = _fresh(policy, started_at, row["due_at"] if row["explicit_due"] else None)
    return shown(tx, row["id"], row["queue"], clocks)


def _fresh(policy: SlaPolicy | None, started_at: datetime, explicit: datetime | None) -> list[sla.SlaClock]:
    clocks = []
    if policy is not None or explicit is not None:
        target = policy.completion if policy else None
        warn = policy.warn_at if policy else sla.DEFAULT_WARN
        clocks.append(sla.SlaClock("completion", target, started_at, explicit, warn))
    if policy is not None and policy.first_start is not None:
        clocks.append(sla.SlaClock("first_start", policy.first_start, started_at, None, policy.warn_at))
    return clocks


def shown(tx: Tx, task_id: str, queue: str, clocks: Iterable[sla.SlaClock]) -> Opened:
    """What clocks come to by the calendar of that queue."""
    calendar = tx.policies.calendar_of(queue)
    rows, looks, due, state = [], [], None, None
    for clock in clocks:
        row = _row(task_id, clock, calendar)
        rows.append(row)
        looks.append(times.next_look(clock, calendar))
        if clock.name == "completion":
            due, state = row["due_at"], times.state(clock, calendar, tx.now)
    return Opened(rows, due, state, min((at for at in looks if at is not None), default=None))


def _row(task_id: str, clock: sla.SlaClock, calendar: BusinessCalendar) -> dict[str, Any]:
    return {
        "task": task_id, "target": clock.name, "started_at": clock.ready_at, "due_at": times.due_at(clock, calendar),
        "warn_at": times.warn_at(clock, calendar), "warned_at": clock.warned_at, "breached_at": clock.breached_at,
        "met_at": clock.met_at,
    }  # fmt: skip


def of(tx: Tx, task: Task | Mapping[str, Any]) -> list[sla.SlaClock]:
    """The task's clocks as they are stored, with every pause so far."""
    row = row_of(task)
    stored = store.clocks(tx, row["id"])
    return read(tx, row, stored, laps.ended(tx, row)) if stored else []


def read(tx: Tx, row: Mapping[str, Any], stored: Sequence[Any], ended: laps.Stored) -> list[sla.SlaClock]:
    """Stored clocks under the set and the queue of ``row``; ``ended``: laps that are over and not yet stored."""
    policy = tx.policies.sla.get(row["sla"] or "")
    calendar = tx.policies.calendar_of(row["queue"])
    pauses = tuple(sla.Pause(p.from_at, p.to_at, p.reason, p.by, p.stops_clock) for p in store.pauses(tx, row["id"]))
    explicit = row["due_at"] if row["explicit_due"] else None
    found = []
    for one in stored:
        clock = _clock(one, policy, pauses, explicit, promised=row["sla"] is not None)
        if clock is not None:
            ran = laps.read(tx, laps.grown(tx, one.laps, ended, one.started_at, calendar))
            found.append(replace(clock, laps=ran))
    return found


def _clock(
    row: Any, policy: SlaPolicy | None, pauses: tuple[sla.Pause, ...], explicit: datetime | None, *, promised: bool
) -> sla.SlaClock | None:
    first = row.target == "first_start"
    target = (policy.first_start if first else policy.completion) if policy else None
    explicit = None if first else explicit
    if target is None and explicit is None and (policy is None or row.met_at is not None) and promised:
        # The policy is gone: what was promised stands as the date it came to.
        explicit = row.due_at
    if target is None and explicit is None:
        return None
    warn = policy.warn_at if policy else sla.DEFAULT_WARN
    return sla.SlaClock(
        row.target, target, row.started_at, explicit, warn, pauses, row.warned_at, row.breached_at, row.met_at
    )


def due_under(tx: Tx, row: Mapping[str, Any]) -> datetime | None:
    """When a task would be due under the policies of ``tx``: time that was counted stays counted. Writes nothing."""
    if row["ready_at"] is None:
        return None
    running = of(tx, row) or anew(tx, row, row["ready_at"])
    return shown(tx, row["id"], row["queue"], running).due_at


def _save(tx: Tx, task: Task | Mapping[str, Any], clocks: list[sla.SlaClock]) -> dict[str, Any]:
    """Writes the clocks, re-arms the timer, returns the task's own columns."""
    row = row_of(task)
    if not clocks:
        return {}
    face = shown(tx, row["id"], row["queue"], clocks)
    store.put_clocks(tx, face.rows)
    arm(tx, row["id"], face.next_look)
    return {"due_at": face.due_at, "sla_state": face.state}


def recount(tx: Tx, task: Task) -> dict[str, Any]:
    """After a pause began or ended: the columns that changed."""
    look_at_ladder(tx, task.id, task.sla)
    return _save(tx, task, of(tx, task))


def look_at_ladder(tx: Tx, task_id: str, sla_key: str | None) -> None:
    """The due time or a pause has moved: the ladder of the task, if it has one, is to be looked at now."""
    policy = tx.policies.sla.get(sla_key or "")
    if policy is not None and policy.escalation is not None:
        tx.emit("escalation.step", task_id)


def retarget(tx: Tx, row: Mapping[str, Any]) -> dict[str, Any]:
    """After due time, priority or policy changed: earned and counted time are kept. Blocked work has no clock yet."""
    if row["ready_at"] is None:
        return {}
    clocks = of(tx, row) or anew(tx, row, row["ready_at"])
    changed = _save(tx, row, clocks) if clocks else _none(tx, row["id"])
    look_at_ladder(tx, row["id"], row["sla"])
    return changed | {"start_by": start_by(tx, {**row, **changed})}


def anew(tx: Tx, row: Mapping[str, Any], ready_at: datetime) -> list[sla.SlaClock]:
    """The clocks a task of that row has when nothing is stored yet."""
    explicit = row["due_at"] if row["explicit_due"] else None
    started_at = starts_at(tx, row["sla"], row["occurred_at"], ready_at, rule=row["rule"])
    return _fresh(tx.policies.sla.get(row["sla"] or ""), started_at, explicit)


def _none(tx: Tx, task_id: str) -> dict[str, Any]:
    for topic in TIMERS:
        tx.cancel(topic, task_id)
    store.drop_clocks(tx, task_id)
    return {"sla_state": None}


def suspended(tx: Tx, task: Task) -> dict[str, Any]:
    """Blocked again before anybody had it: its clocks start anew when it becomes ready."""
    due = task.due_at if task.explicit_due else None
    return {"ready_at": None, "start_by": None, "due_at": due, **_none(tx, task.id)}


def started(tx: Tx, task: Task) -> dict[str, Any]:
    """The first start meets its target; a pause that ended is counted."""
    clocks = [sla.meet(c, tx.now) if c.name == "first_start" and c.met_at is None else c for c in of(tx, task)]
    return _save(tx, task, clocks)


def stopped(tx: Tx, task: Task, *, met: bool) -> dict[str, Any]:
    """Done or cancelled: nothing falls due any more."""
    for topic in TIMERS:
        tx.cancel(topic, task.id)
    clocks = [sla.meet(c, tx.now) if c.met_at is None else c for c in of(tx, task)]
    saved = _save(tx, task, clocks) if met else {}
    for topic in TIMERS:
        tx.cancel(topic, task.id)
    return saved


def restarted(tx: Tx, task: Task, *, counted: bool = False) -> dict[str, Any]:
    """Reopened or restored: the time it lay done does not count, the rest goes on where it stopped.

    ``counted``: it never should have been ended, so that time counts like any other.
    """
    ended_at = queries.ended_at(tx, task.id) if task.state == CANCELLED else task.completed_at
    if ended_at is not None and not counted:
        store.put_pause(tx, task.id, task.state, ended_at, tx.now)
    look_at_ladder(tx, task.id, task.sla)
    clocks = [replace(c, met_at=None) if c.name == "completion" else c for c in of(tx, task)]
    return _save(tx, task, clocks or anew(tx, row_of(task), tx.now))


def falls(tx: Tx, task: Task) -> list[tuple[str, str, datetime]]:
    """Puts on record what has fallen due by now: (target, warned or breached, when), in due order."""
    calendar = tx.policies.calendar_of(task.queue)
    fallen: list[tuple[str, str, datetime]] = []
    clocks = of(tx, task)
    for index, clock in enumerate(clocks):
        for fall, at in times.falls_due(clock, calendar, tx.now):
            clocks[index] = sla.record(clocks[index], fall, at)
            fallen.append((clock.name, fall, at))
    _save(tx, task, clocks)
    return sorted(fallen, key=lambda f: f[2])


def arm(tx: Tx, task_id: str, at: datetime | None) -> None:
    """Moves the task's timer to ``at``; None takes it away."""
    if at is None:
        tx.cancel("clock.due", task_id)
    else:
        tx.emit("clock.due", task_id, due_at=at)


def start_by(tx: Tx, row: Mapping[str, Any]) -> datetime:
    """The stored instant that orders waiting tasks, ahead while a period of the queue holds."""
    return ordered(tx, row, periods.ahead(tx, row["queue"]))


def ordered(tx: Tx, row: Mapping[str, Any], ahead: timedelta) -> datetime:
    """The same for a queue that goes so far ahead."""
    queue, calendar = tx.policies.queues[row["queue"]], tx.policies.calendar_of(row["queue"])
    ready_at = row["ready_at"] or tx.now
    plain = order.start_by(
        queue.order, ready_at=ready_at, due_at=row["due_at"], minutes=row["minutes"],
        priority=PRIORITIES[row["priority"]], max_wait=queue.max_wait, calendar=calendar,
    )  # fmt: skip
    plain = order.begun_by(queue.order, plain, ready_at, _begin_by(tx, row, ready_at))
    return order.put_ahead(plain, ready_at, ahead, calendar)


def _begin_by(tx: Tx, row: Mapping[str, Any], ready_at: datetime) -> datetime | None:
    """When somebody is promised to have begun, for work nobody has begun so far."""
    policy = tx.policies.sla.get(row["sla"] or "")
    if policy is None or policy.first_start is None or row.get("started_at") is not None:
        return None
    started_at = starts_at(tx, row["sla"], row["occurred_at"], ready_at, rule=row["rule"])
    return promised(policy.first_start, tx.policies.calendar_of(row["queue"]), started_at)
