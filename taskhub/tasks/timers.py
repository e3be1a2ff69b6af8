"""What falls due: each function locks its record, asks the rule what is due by now, and does that, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from taskhub.db import sweep
from taskhub.db.tx import Tx
from taskhub.failpoints import failpoint
from taskhub.tasks import checks, clocks, drafting, making, moves, queries, service, store
from taskhub.tasks.model import ASSIGNED, AWAY, BLOCKED, IN_PROGRESS, PAUSED, QUEUED, SET_ASIDE, Task
from taskhub.tasks.pausing import put_aside, wake


def clock_due(tx: Tx, task_id: str) -> None:
    """Warnings and breaches by now go on record, once each, and are announced."""
    task = store.lock(tx, task_id)
    if task is None or not task.is_open:
        return
    failpoint("clock.falling")
    for target, fall, at in clocks.falls(tx, task):
        state = {"warned": "at_risk", "breached": "breached"}[fall]
        shown = {"sla_state": state} if target == "completion" else {}
        task = _fall(tx, task, f"sla.{fall}", shown, target, at)


def clocks_due(tx: Tx, ids: Sequence[str]) -> Sequence[str]:
    """The same for many tasks in one transaction. Returns those that were looked at: all."""
    queries.lock_ahead(tx, sorted(set(ids)))
    with store.held_back(tx):
        for task_id in sorted(set(ids)):
            clock_due(tx, task_id)
    return ids


def _fall(tx: Tx, task: Task, topic: str, shown: dict[str, str], target: str, at: datetime) -> Task:
    tx.emit(topic, task.id, {"target": target, "at": at.isoformat()})
    return moves.move(tx, task, topic, shown, {"target": target, "due": at.isoformat()})


def offer_expired(tx: Tx, task_id: str) -> None:
    """Given and not started within the queue's time: it goes to somebody else, and not back within the cool-down.

    After a gap of the workers the time begins anew: nobody is to blame for what stood still.
    """
    task = store.lock(tx, task_id)
    queue = tx.policies.queues.get(task.queue) if task else None
    if (
        task is None
        or queue is None
        or task.state != ASSIGNED
        or task.pinned
        or not queue.accept_for
        or not task.given_at
    ):
        return
    since = max(task.given_at, sweep.resumed(tx.conn) or task.given_at)
    until = tx.policies.calendar_of(queue.key).add(since, queue.accept_for)
    if until > tx.now:
        tx.emit("offer.expired", task_id, due_at=until)
        return
    service.keep_off(tx, task, queue)
    tx.emit("offer.missed", task_id, {"agent": task.agent, "queue": queue.key})
    moves.back_to_queue(tx, task, "withdraw", {"by_whom": task.agent, "why": "not_accepted"})


def lease_expired(tx: Tx, task_id: str) -> None:
    """A lease has ended: set aside with its person (hold), or back to the queue (return). Prolonged: look again."""
    task = store.lock(tx, task_id)
    lease = store.lease_of(tx, task_id)
    if task is None or lease is None or task.state != IN_PROGRESS:
        return
    if lease.expires_at > tx.now:
        tx.emit("lease.expired", task_id, due_at=lease.expires_at)
        return
    failpoint("lease.expiring")
    queue = tx.policies.queues.get(task.queue)
    if queue is not None and queue.on_idle == "return":
        moves.back_to_queue(tx, task, "expire", {"by_whom": task.agent})
        return
    until = tx.policies.calendar_of(task.queue).add(tx.now, queue.hold_for) if queue else None
    put_aside(tx, task, "set_aside", SET_ASIDE, until)
    tx.emit("task.held", task.id, {"agent": task.agent}, due_at=until)


def snooze_ended(tx: Tx, task_id: str) -> None:
    """The date of a pause has come: the clock runs again and the task tops its person's list."""
    task = store.lock(tx, task_id)
    if task is None or task.state != PAUSED or task.paused_until is None:
        return
    if task.paused_until > tx.now:
        tx.emit("snooze.ended", task_id, due_at=task.paused_until)
        return
    failpoint("snooze.ending")
    wake(tx, task, "snooze.ended")


def block_ended(tx: Tx, task_id: str) -> None:
    """A task that waited for its date is ready, unless it waits for others too."""
    task = store.lock(tx, task_id)
    if task is None or task.state != BLOCKED:
        return
    if task.blocked_until is not None and task.blocked_until > tx.now:
        tx.emit("block.ended", task_id, due_at=task.blocked_until)
    elif not task.blocked_by:
        making.ready(tx, task)


def file_changed(tx: Tx, file: str) -> None:
    """Something in a file was made or ended: what waits for others of the file is looked at again."""
    waiting = store.waiting_in_file(tx, file)
    others = queries.unsettled_in_file(tx, file) if waiting else []
    for task in waiting:
        blocked_by = drafting.blockers(task.waits_for, others, task.id)
        state = drafting.state_of(blocked_by, task.blocked_until, tx.now)
        if state == task.state and blocked_by == task.blocked_by:
            continue
        if state == QUEUED and task.state == BLOCKED:
            making.ready(tx, task)
        elif state == BLOCKED:
            clock = clocks.suspended(tx, task) if task.state == QUEUED else {}
            moves.move(tx, task, "block", {"state": state, "blocked_by": blocked_by, "waiting_reasons": None, **clock})


def gone(tx: Tx, agent: str, back_at: datetime | None) -> None:
    """A person goes away: unstarted, unpinned work returns; started work waits for them, unless it is due before."""
    for task in queries.given_to(tx, agent):
        if task.state == ASSIGNED and not task.pinned:
            moves.back_to_queue(tx, task, "withdraw", {"by_whom": agent})
        elif task.state == IN_PROGRESS:
            _leave(tx, task, back_at)


def back(tx: Tx, agent: str) -> None:
    """They are there again, maybe sooner than they said: what was paused because they went tops their list."""
    for task in queries.given_to(tx, agent):
        if task.state == PAUSED and task.paused_reason == AWAY and (task.paused_until or tx.now) >= tx.now:
            wake(tx, task, "back")


def _leave(tx: Tx, task: Task, back_at: datetime | None) -> None:
    if task.due_at is not None and (back_at is None or task.due_at < back_at):
        moves.back_to_queue(tx, task, "expire", {"by_whom": task.agent, "why": AWAY})
    else:
        # Paused work always has a next date, so that it cannot vanish.
        until = back_at or tx.policies.calendar_of(task.queue).add(tx.now, checks.NEXT_LOOK)
        put_aside(tx, task, "set_aside", AWAY, until)


def grace(tx: Tx) -> None:
    """The workers had stopped looking: leases and offers get one full new term of their own before any ends."""
    failpoint("lease.grace")
    sweep.resume(tx.conn, tx.now)
    terms = [(row, moves.lease_until(tx, row.queue, row.minutes)) for row in queries.live_leases(tx)]
    store.prolong(tx, {row.task: until for row, until in terms if row.expires_at < until})
