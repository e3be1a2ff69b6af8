"""More for the same customer: what else waits for them and this person may take, while they have the file in mind."""

from __future__ import annotations

from taskhub.assignment import passes, pull, store
from taskhub.assignment.installed import plugins
from taskhub.db.tx import Tx
from taskhub.tasks import queries
from taskhub.tasks import service as tasks
from taskhub.tasks.model import Task

MOST = 3
LOOK = 20
SAME_CUSTOMER = "same_customer"


def more(tx: Tx, done: Task) -> list[Task]:
    """At most MOST waiting tasks for the customer of ``done`` that the caller may take, in order."""
    me = tx.by.agent
    pickable = [queue for queue in tx.policies.queues.values() if queue.pick != "never"]
    if me is None or done.customer is None or not pickable:
        return []
    ids = queries.waiting_for_customer(tx, done.customer, done.id, [queue.key for queue in pickable], LOOK)
    now = passes.in_force_now(tx, [queue.key for queue in pickable])
    person = store.person(tx, me, passes.paused_queues(tx), lock=False, needs=now.needs) if ids else None
    if person is None:
        return []
    served = now.queues
    shapes, out = store.shapes(tx, list(served)), store.excluded(tx, ids)
    found = [tasks.get(tx, id_) for id_ in ids]
    free = [
        task for task in found
        if not pull.against(person, store.facts_of(task, shapes, out), served[task.queue], tx.now, plugins())
    ]  # fmt: skip
    return free[:MOST]


def is_same(tx: Tx, task: Task, me: str) -> bool:
    """Whether the task is for the customer whom the person served last: reason enough to take it."""
    return task.customer is not None and queries.served_last(tx, me) == task.customer
