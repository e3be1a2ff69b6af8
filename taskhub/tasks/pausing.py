"""Started work waits with its person: for a reason, until a date, and somebody is reminded of it. None can vanish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.policy.promise import Remind
from taskhub.tasks import checks, clocks, moves, reminders, store
from taskhub.tasks.model import PAUSED, Task

# Once its date has come it is in its person's list. Who still does not take it up is asked again this often.
AFTERWARDS = Remind(checks.NEXT_LOOK)


def pause(
    tx: Tx, task_id: str, reason: str, until: datetime | None = None, token: int | None = None,
    version: int | None = None,
) -> Task:  # fmt: skip
    """Stays with its person without a lease; every pause has a reason and a next date."""
    kind = checks.pause_reason(tx.policies, reason)
    store.lock_agent(tx, tx.by.agent or "")
    task, _ = moves.allowed(tx, task_id, "pause", token, version)
    checks.room_to_pause(tx, task.agent or "")
    until = checks.pause_until(tx.policies, kind, until, tx.now, tx.policies.calendar_of(task.queue))
    tx.inverse = {"op": "resume", "task": task.id}
    return put_aside(tx, task, "pause", reason, until)


def put_aside(
    tx: Tx, task: Task, act: str, reason: str, until: datetime | None, note: Mapping[str, Any] | None = None
) -> Task:
    """Paused with a reason, by its person or by the workers. ``note`` adds facts to the row of history."""
    kind = tx.policies.pause_reasons.get(reason)
    store.open_pause(tx, task.id, reason, stops=bool(kind and kind.stops_clock), at=tx.now)
    changes = {"state": PAUSED, "paused_reason": reason, "paused_until": until, "paused_at": tx.now}
    changes |= clocks.recount(tx, task)
    moved = moves.move(tx, task, act, changes, note)
    if until is not None:
        tx.emit("snooze.ended", task.id, due_at=until)
    remind_anew(tx, moved)
    moves.freed(tx, task.agent)
    return moved


def wake(tx: Tx, task: Task, why: str, note: Mapping[str, Any] | None = None) -> Task:
    """A paused task's clock runs again; it stays with its person and tops the list."""
    store.end_pause(tx, task)
    tx.cancel("snooze.ended", task.id)
    changes = {"paused_until": min(task.paused_until or tx.now, tx.now)} | clocks.recount(tx, task)
    moved = moves.move(tx, task, "wake", changes, {"why": why, **(note or {})})
    remind_anew(tx, moved)
    return moved


def remind_anew(tx: Tx, task: Task) -> None:
    """Sets, moves or takes away the reminder of a paused task, as its reason says now."""
    row = store.last_pause(tx, task.id)
    if row is not None:
        _remind_at(tx, task, row, _next(tx, task, row))


def reminder_due(tx: Tx, task_id: str) -> None:
    """Somebody is reminded of work that is still paused; what an outage swallowed is said once."""
    task = store.lock(tx, task_id)
    row = store.last_pause(tx, task_id) if task is not None and task.state == PAUSED else None
    if task is None or row is None or row.remind_at is None:
        return
    if row.remind_at > tx.now:
        tx.emit("pause.reminder", task_id, due_at=row.remind_at)
        return
    remind = _remind(tx, row.reason, over=_is_over(tx, task))
    if remind is not None:
        facts = {"reason": row.reason, "since": row.from_at.isoformat(), "due": row.remind_at.isoformat()}
        tx.emit("pause.reminded", task_id, {**facts, "who": list(remind.who)})
        task = moves.move(tx, task, "remind", {}, {**facts, "who": list(remind.who)})
    _remind_at(tx, task, row, _next(tx, task, row))


def _next(tx: Tx, task: Task, row: Any) -> datetime | None:
    """None: its own date comes before anybody needs to be reminded."""
    over = _is_over(tx, task)
    remind = _remind(tx, row.reason, over=over)
    if remind is None:
        return None
    since = (row.to_at or row.from_at) if over else row.from_at
    found = reminders.next_at(since, remind.every, tx.now, tx.policies.calendar_of(task.queue))
    return found if over or task.paused_until is None or found < task.paused_until else None


def _is_over(tx: Tx, task: Task) -> bool:
    return task.paused_until is not None and task.paused_until <= tx.now


def _remind(tx: Tx, reason: str, *, over: bool) -> Remind | None:
    kind = tx.policies.pause_reasons.get(reason)
    return kind.remind if kind is not None and kind.remind is not None else AFTERWARDS if over else None


def _remind_at(tx: Tx, task: Task, row: Any, at: datetime | None) -> None:
    store.set_reminder(tx, task.id, row.id, at)
    if at is None:
        tx.cancel("pause.reminder", task.id)
    else:
        tx.emit("pause.reminder", task.id, due_at=at)
