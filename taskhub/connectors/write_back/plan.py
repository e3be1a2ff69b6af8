"""How a task is to stand in a CRM, and the next step that brings it there. Pure."""

from __future__ import annotations

from taskhub.connectors.write_back import model
from taskhub.connectors.write_back.model import CLOSED, DONE, GONE, OPEN, Binding, Wanted
from taskhub.tasks.model import CANCELLED, COMPLETED, Task

ASSIGNED, OFF = "assigned", "off"


def wanted(task: Task, mode: str, before: Binding | None, owner: str | None, *, held_back: bool) -> Wanted | None:
    """How ``task`` is to stand over there; None: as it does now.

    ``mode`` is the connection's setting; ``owner`` their id of whoever has it; ``held_back``: what follows from its
    completion still waits for a check. What nobody has done and never stood there is not written to be ended.
    """
    there = before is not None and (before.theirs is not None or before.tried_at is not None)
    # A delivery that has not begun yet takes back its own wish: else it would write what has ended as open.
    ended = None if before is None else Wanted(CLOSED, reason=task.outcome)
    if task.state == COMPLETED and not held_back:
        return Wanted(DONE, owner) if there or task.completed_by is not None else ended
    if task.state == CANCELLED:
        return ended
    if there:
        return Wanted(OPEN, owner)
    return Wanted(OPEN, owner) if mode == ASSIGNED and task.agent is not None else None


def next_step(now: Binding) -> str | None:
    """The one thing to do next over there; None: it stands as it is to stand."""
    if now.shown == GONE:
        return None
    if now.theirs is None:
        # What is not wanted any more is looked for only if it may be there.
        if now.wanted == CLOSED:
            return model.FIND if now.tried_at is not None else None
        return model.WRITE
    if now.wanted != now.shown:
        return {DONE: model.FINISH, CLOSED: model.CLOSE, OPEN: model.REOPEN}[now.wanted]
    handed = now.wanted == OPEN and now.wanted_owner not in (None, now.owner)
    return model.HAND if handed else None
