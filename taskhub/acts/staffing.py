"""A queue's staffing is switched: now, at the next shift or at a time; unstarted pushed work returns when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.assignment import pools
from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.policy.work import Queue, Staffing
from taskhub.queues import model
from taskhub.queues import service as queues
from taskhub.queues.model import Switch
from taskhub.tasks import returning

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Change:
    """What a switch would do: who is in the pool before and after, what happens to work that is with people."""

    effective_at: datetime
    before: Queue
    after: Queue
    pool_before: pools.Pool
    pool_after: pools.Pool
    returned: list[str]
    stays: list[str]


def switch(tx: Tx, queue: Queue, asked: Mapping[str, Any], effective_at: str | datetime) -> tuple[Switch, list[str]]:
    """Switches a queue. Returns the switch and the tasks that returned to the queue, when it starts now.

    Raises InvalidInput for a model, strategy or parameters that ``config check`` would refuse, and for a time past.
    """
    _checked(tx, queue, asked)
    at = model.effective(effective_at, tx.policies.calendar_of(queue.key), tx.now)
    made = queues.switch(tx, queue.key, asked, at)
    return made, _start(tx, made) if at <= tx.now else []


def preview(tx: Tx, queue: Queue, asked: Mapping[str, Any], effective_at: str | datetime) -> Change:
    """The same, asked only. Raises what ``switch`` would raise."""
    staffing = _checked(tx, queue, asked)
    at = model.effective(effective_at, tx.policies.calendar_of(queue.key), tx.now)
    before, after = _then(tx, queue, at), replace(_then(tx, queue, at), staffing=staffing)
    back, stay = returning.split(returning.given(tx, queue.key))
    return Change(
        at, before, after, pools.of(tx, before, at), pools.of(tx, after, at),
        [task.id for task in back], [task.id for task in stay],
    )  # fmt: skip


def _then(tx: Tx, queue: Queue, at: datetime) -> Queue:
    """The queue as it would be served at an instant if nothing more were said."""
    holds = queues.held(tx, [queue.key])[queue.key]
    come = model.holding(queues.switches(tx, queue.key), at)
    return model.as_served(queue, replace(holds, switch=come))


def _checked(tx: Tx, queue: Queue, asked: Mapping[str, Any]) -> Staffing:
    staffing = model.staffing_of(queue.staffing, model.consistent(asked))
    if asked.get("model") is not None:
        pools.check(tx, queue, staffing)
    return staffing


def effective(tx: Tx, row: Taken) -> None:
    """The time of a switch has come: what was given as before and not begun returns, the rotation is woken."""
    id_, _, again = row.key.partition(":")
    found = queues.switch_of(tx, id_)
    if found is None:
        return
    if found.effective_at > tx.now:
        tx.emit(queues.EFFECTIVE, row.key, due_at=found.effective_at)
    elif again:
        _return(tx, found, found.effective_at)
    else:
        _start(tx, found)


def _start(tx: Tx, one: Switch) -> list[str]:
    back = _return(tx, one, None)
    queues.started(tx, one, len(back))
    return back


def _return(tx: Tx, one: Switch, before: datetime | None) -> list[str]:
    back = returning.unstarted(tx, one.queue, {"why": "switch", "switch": one.id}, by=before)
    queue = tx.policies.queues.get(one.queue)
    tx.emit("rotation.wake", queue.turn_key if queue else one.queue)
    return back
