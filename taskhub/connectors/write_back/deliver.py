"""Takes one step over there, between two transactions, once: whether a task may have been written is on record before.

What went wrong is raised, and the ledger tries again: later, as long as they ask for; at last it is dead and in sight.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from taskhub.connectors.outbound import Client, Work
from taskhub.connectors.pool import Clients
from taskhub.connectors.write_back import answers, look, model, plan, store
from taskhub.connectors.write_back.model import CLOSED, DONE, GONE, OPEN, Binding, Shown
from taskhub.connectors.write_back.wording import closed_because, text_of
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.failpoints import failpoint
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task

LONGEST_TITLE = 180  # with our mark it fits everywhere


class Deliver:
    """The handler of ``crm.work``; the key of a row is CONNECTION:TASK."""

    def __init__(self, clients: Clients | None = None) -> None:
        self._clients = clients or Clients()

    def prepare(self, tx: Tx, row: Taken) -> functools.partial[Shown] | None:
        """The next step as it is wanted now; None when there is none, or the connection writes nothing any more."""
        now = store.lock(tx, row.payload["connection"], row.payload["task"])
        connection = tx.policies.connections.get(row.payload["connection"])
        if now is None:
            return None
        step = plan.next_step(now)
        if step is None or connection is None or connection.write_back.tasks == plan.OFF:
            store.save(tx, replace(now, busy=False))
            return None
        first = row.attempts == 1 and now.tried_at is None
        if step == model.WRITE and now.tried_at is None:
            store.save(tx, replace(now, tried_at=tx.now))
        work = work_of(tx, now)
        said = closed_because(tx, now)
        failpoint("write_back.prepared")
        call = Call(now, work, said, first)
        return functools.partial(carry_out, self._clients.of(connection), step, call)

    def finish(self, tx: Tx, row: Taken, result: Shown) -> None:
        """Notes how it stands; what was wanted meanwhile goes on its way."""
        connection, task_id = row.payload["connection"], row.payload["task"]
        # Whose event knew it for ours without us is done with: an undo since then stands.
        if result.new and result.theirs is not None and store.task_of(tx, connection, result.theirs) is None:
            answers.done_meanwhile(tx, connection, task_id, result.theirs)
        now = store.lock(tx, connection, task_id)
        if now is None:
            return
        after = _after(now, result)
        if result.reopened:
            after = replace(after, reopened_at=tx.now)
        look.settled(tx, after, delivered=True)
        tx.count("taskhub_crm_writes_total", connection, result.state)
        failpoint("write_back.noted")


def _after(now: Binding, result: Shown) -> Binding:
    """How it stands. What was looked for and never was may be written anew one day."""
    if result.theirs is None and now.theirs is None:
        return replace(now, shown=None, tried_at=None)
    owner = now.owner if result.state in (DONE, CLOSED) else result.owner
    shown = now.shown if _ended_meanwhile(now, result) else result.state
    return replace(now, theirs=result.theirs or now.theirs, shown=shown, owner=owner)


def _ended_meanwhile(now: Binding, result: Shown) -> bool:
    """Whether somebody has ended it over there between our call and its answer: the event was here first.

    Calls begin with what stands open, but for one that opens it again; so nothing else can have ended it.
    """
    if result.theirs not in (None, now.theirs):
        return False
    return now.shown == GONE or (now.shown == DONE and result.state == OPEN and not result.reopened)


class Call(NamedTuple):
    """What a step needs to know."""

    now: Binding
    work: Work
    said: str
    first: bool


def work_of(tx: Tx, now: Binding) -> Work:
    """The task as it is to read over there."""
    task = tasks.get(tx, now.task)
    return Work(
        task=task.id, title=task.title[:LONGEST_TITLE], about=look.about(tx, task, now.connection),
        text=text_of(tx.policies.connections[now.connection], task), owner=now.wanted_owner, due_on=_due_on(tx, task),
    )  # fmt: skip


def _due_on(tx: Tx, task: Task) -> date | None:
    """The day on which it is due where its queue works."""
    if task.due_at is None or task.queue not in tx.policies.queues:
        return None if task.due_at is None else task.due_at.date()
    return task.due_at.astimezone(ZoneInfo(tx.policies.calendar_of(task.queue).tz)).date()


def carry_out(client: Client, step: str, call: Call) -> Shown:
    """One step. What is not there any more is a result: nobody misses it."""
    try:
        done = STEPS[step](client, call)
    except NotFound:
        if step == model.WRITE:
            raise
        done = Shown(call.now.theirs, GONE)
    failpoint("write_back.sent")
    return done


def _write(client: Client, call: Call) -> Shown:
    return Shown(client.write_work(call.work, first=call.first), OPEN, call.work.owner, new=True)


def _find(client: Client, call: Call) -> Shown:
    found = client.find_work(call.work)
    return Shown(found, OPEN if found else GONE, new=True)


def _hand(client: Client, call: Call) -> Shown:
    client.hand_work(_id(call), str(call.now.wanted_owner))
    return Shown(call.now.theirs, OPEN, call.now.wanted_owner)


def _finish(client: Client, call: Call) -> Shown:
    client.complete_work(_id(call))
    return Shown(call.now.theirs, DONE)


def _close(client: Client, call: Call) -> Shown:
    client.close_work(_id(call), call.said)
    return Shown(call.now.theirs, CLOSED)


def _reopen(client: Client, call: Call) -> Shown:
    client.reopen_work(_id(call))
    return Shown(call.now.theirs, OPEN, call.now.owner, reopened=True)


def _id(call: Call) -> str:
    return str(call.now.theirs)


STEPS: Mapping[str, Callable[[Client, Call], Shown]] = {
    model.WRITE: _write, model.FIND: _find, model.HAND: _hand, model.FINISH: _finish, model.CLOSE: _close,
    model.REOPEN: _reopen,
}  # fmt: skip
