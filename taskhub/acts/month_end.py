"""A queue goes ahead for a time: who waits longer is shown first; begun and ended by timers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from taskhub.db.ledger import Taken
from taskhub.db.tx import Tx
from taskhub.policy.work import Queue
from taskhub.queues import periods
from taskhub.queues import service as queues
from taskhub.queues.model import Period, unflat
from taskhub.tasks import periods as order
from taskhub.tasks.overtaking import Overtaken, overtaken


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a period would do. ``moves`` False: the queue's order is ``fifo``, nothing can go ahead."""

    from_at: datetime
    until_at: datetime
    moves: bool
    overtaken: Overtaken


def preview(tx: Tx, queue: Queue, begin: datetime | None, end: datetime, ahead_by: timedelta) -> Ahead:
    """Which waiting tasks of queues that share people would be passed. Raises what ``put`` would raise."""
    since, until = periods.checked(tx, queue, begin, end, ahead_by)
    beside = [one.key for one in tx.policies.queues.values() if one.key != queue.key and _share(one, queue)]
    found = overtaken(order.moved(tx, queue.key, ahead_by), order.waiting(tx, beside))
    return Ahead(since, until, queue.order != "fifo", found)


def _share(one: Queue, other: Queue) -> bool:
    return not set(one.teams).isdisjoint(other.teams)


def put(tx: Tx, queue: Queue, begin: datetime | None, end: datetime, ahead_by: timedelta) -> Period:
    """Puts a queue ahead. Raises InvalidInput or Conflict."""
    return periods.put(tx, queue, begin, end, ahead_by)


def end(tx: Tx, queue: str, id_: str) -> Period:
    """Ends a period by hand, or takes it back."""
    return periods.end(tx, queue, id_)


def again(tx: Tx, row: Mapping[str, Any]) -> Period:
    """Undo of an ended period, checked like a new one."""
    was = unflat(Period, row)
    return periods.again(tx, was, queues.known(tx, was.queue))


def changed(tx: Tx, row: Taken) -> None:
    """A period begins or ends. The rows look at the order that holds now, so an early or a second one does no harm."""
    queue = str(row.payload["queue"])
    if queue in tx.policies.queues:
        order.changed(tx, queue)
