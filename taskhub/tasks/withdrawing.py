"""What caused work is taken back: the work goes with it, as long as nobody has begun any of it."""

from __future__ import annotations

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.events.times import written
from taskhub.tasks import queries, service, store
from taskhub.tasks.model import CANCELLED, Cause, Task


def withdraw(tx: Tx, cause: Cause, reason: str) -> list[Task]:
    """Cancels what came of it and is open. Raises Conflict when one was begun."""
    found = store.lock_many(tx, queries.caused_by(tx, cause))
    begun = next((task for task in found if task.started_at is not None and task.state != CANCELLED), None)
    if begun is not None:
        raise Conflict(
            f"The task {begun.title!r} was begun by {begun.completed_by or begun.agent or 'somebody'}: "
            "it can no longer be taken back.",
            code="work_started", task=begun.id, kind=begun.kind, holder=begun.completed_by or begun.agent,
            state=begun.state, started_at=written(begun.started_at) if begun.started_at else None,
        )  # fmt: skip
    return [service.finish(tx, task, "close", {"outcome": reason}) for task in found if task.is_open]
