"""How the time of a task was counted: every stretch of each of its clocks, under the set the task is stamped with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.sla import SlaClock, times, wording
from taskhub.sla.ledger import Entry, ledger
from taskhub.tasks import clocks, queries, store
from taskhub.tasks.model import CANCELLED, Task

MOST = 5_000


def explain(tx: Tx, task_id: str, language: str = "en") -> dict[str, Any]:
    """The clocks of a task with sums and intervals; ``sets_hash`` names the policies that count. Raises NotFound.

    Instants are aware; ``time_zone`` is the queue's. Of more than MOST intervals the newest are left off, and counted.
    """
    task = store.get(tx, task_id)
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    then = _then(tx, task)
    known = task.queue in then.policies.queues
    until = _until(tx, task)
    running = clocks.of(then, task) if known else []
    return {
        "task": task.id, "title": task.title, "state": task.state, "queue": task.queue, "at": until,
        "time_zone": then.policies.calendar_of(task.queue).tz if known else "UTC",
        "calendar": then.policies.queues[task.queue].calendar if known else None,
        "policies": then.policies.hash, "sla": task.sla, "due_at": task.due_at,
        "clocks": [_clock(then, task, clock, until, language) for clock in running],
    }  # fmt: skip


def _then(tx: Tx, task: Task) -> Tx:
    """The world under the set the task is stamped with; where nobody can read that any more, the active one."""
    set_ = tx.policies if task.policy_hash == tx.policies.hash else tx.accepted(task.policy_hash)
    return tx if set_ is None else replace(tx, policies=set_)


def _until(tx: Tx, task: Task) -> datetime:
    ended = queries.ended_at(tx, task.id) if task.state == CANCELLED else task.completed_at
    return ended if ended is not None and not task.is_open else tx.now


def _clock(then: Tx, task: Task, clock: SlaClock, until: datetime, language: str) -> dict[str, Any]:
    calendar = then.policies.calendar_of(task.queue)
    entries = ledger(clock, calendar, until)
    shown = "cancelled" if task.state == CANCELLED else times.state(clock, calendar, until)
    return {
        "target": clock.name, "promise": str(clock.target) if clock.explicit_due_at is None else None,
        "explicit": clock.explicit_due_at is not None, "state": shown, "state_text": wording.state(shown, language),
        "started_at": clock.ready_at, "due_at": times.due_at(clock, calendar),
        "warn_at": times.warn_at(clock, calendar), "warned_at": clock.warned_at, "breached_at": clock.breached_at,
        "met_at": clock.met_at, **_sums(entries),
        "waited_s": times.waited(clock, calendar, until).total_seconds(),
        "remaining_s": times.remaining(clock, calendar, until).total_seconds(),
        "intervals": [_interval(then, one, language) for one in entries[:MOST]],
        "left_off": max(0, len(entries) - MOST),
    }  # fmt: skip


def _sums(entries: tuple[Entry, ...]) -> dict[str, float]:
    """Seconds by what became of them; together they are the whole time."""
    whole = timedelta()
    sums = dict.fromkeys(("counted_s", "paused_s", "closed_s"), whole)
    for one in entries:
        name = "counted_s" if one.counted else "paused_s" if one.why == "paused" else "closed_s"
        sums[name] += one.length
        whole += one.length
    return {name: length.total_seconds() for name, length in {**sums, "total_s": whole}.items()}


def _interval(then: Tx, one: Entry, language: str) -> dict[str, Any]:
    return {
        "from": one.starts_at, "to": one.ends_at, "counted": one.counted, "why": one.why, "reason": one.reason,
        "by": one.by, "text": wording.sentence(one, partial(_name, then, language), language),
    }  # fmt: skip


def _name(then: Tx, language: str, reason: str) -> str | None:
    found = then.policies.pause_reasons.get(reason)
    return found.name.in_(language) if found else None
