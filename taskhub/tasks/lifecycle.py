"""The life cycle as one table: operation, from which states, who may, what follows. Docs are generated from it."""

from __future__ import annotations

from dataclasses import dataclass

from taskhub.errors import Forbidden, InvalidTransition, LeaseLost, VersionClash
from taskhub.tasks.model import (
    ASSIGNED,
    BLOCKED,
    CANCELLED,
    COMPLETED,
    GIVEN,
    IN_PROGRESS,
    OPEN,
    PAUSED,
    QUEUED,
    STATES,
    Lease,
    Task,
)

HOLDER, HOLDER_OR_MANAGER, MANAGER, ANYBODY, SYSTEM = "holder", "holder or manager", "manager", "anybody", "system"
# Undo has made sure of who that is, and that nobody has touched the task since.
DOER = "who did what it undoes"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    ``token``: the holder of an in_progress task proves it. ``lease``: new, ends or keeps. ``clock``: what happens to
    the SLA clocks (start, meet_first, pause, run, stop, restart). ``inverse`` names the operation that undoes it.
    """

    name: str
    frm: tuple[str, ...]
    to: str | None
    who: str
    token: bool = False
    lease: str = "keeps"
    clock: str = ""
    reason: bool = False
    inverse: str | None = None


TABLE: tuple[Operation, ...] = (
    Operation("claim", (QUEUED,), IN_PROGRESS, ANYBODY, lease="new", clock="meet_first", inverse="release"),
    Operation("offer", (QUEUED,), ASSIGNED, SYSTEM),
    Operation("start", (ASSIGNED,), IN_PROGRESS, HOLDER, lease="new", clock="meet_first"),
    Operation("renew", (IN_PROGRESS,), None, HOLDER, token=True),
    Operation("release", (ASSIGNED, IN_PROGRESS), QUEUED, HOLDER, token=True, lease="ends", reason=True),
    Operation("skip", (ASSIGNED, IN_PROGRESS), QUEUED, HOLDER, token=True, lease="ends", reason=True),
    Operation(
        "pause", (IN_PROGRESS,), PAUSED, HOLDER, token=True, lease="ends", clock="pause", reason=True, inverse="resume"
    ),
    Operation("ask", (IN_PROGRESS,), PAUSED, HOLDER, token=True, lease="ends", clock="pause", inverse="resume"),
    Operation("withdraw_question", OPEN, None, HOLDER_OR_MANAGER),
    Operation("resume", (PAUSED,), IN_PROGRESS, HOLDER, lease="new", clock="run"),
    Operation("complete", (IN_PROGRESS,), COMPLETED, HOLDER, token=True, lease="ends", clock="stop", inverse="reopen"),
    Operation(
        "hand_over", GIVEN, ASSIGNED, HOLDER_OR_MANAGER, token=True, lease="ends", clock="run", inverse="take_back"
    ),
    Operation("assign", (QUEUED, *GIVEN), ASSIGNED, MANAGER, lease="ends", clock="run", inverse="unassign"),
    Operation("take_back", (ASSIGNED,), ASSIGNED, DOER),
    Operation("unassign", (ASSIGNED,), QUEUED, HOLDER_OR_MANAGER, lease="ends"),
    Operation(
        "change_kind",
        OPEN,
        QUEUED,
        HOLDER_OR_MANAGER,
        token=True,
        lease="ends",
        clock="run",
        reason=True,
        inverse="change_back",
    ),
    Operation("change_back", (BLOCKED, QUEUED), QUEUED, DOER, clock="run"),
    Operation("cancel", OPEN, CANCELLED, MANAGER, lease="ends", clock="stop", reason=True, inverse="restore"),
    Operation("reopen", (COMPLETED,), QUEUED, HOLDER_OR_MANAGER, clock="restart"),
    Operation("restore", (CANCELLED,), QUEUED, MANAGER, clock="restart"),
    Operation("acknowledge", OPEN, None, HOLDER_OR_MANAGER, inverse="unacknowledge"),
    Operation("unacknowledge", OPEN, None, DOER),
    Operation("patch", OPEN, None, HOLDER_OR_MANAGER, inverse="patch"),
    Operation("unblock", (BLOCKED,), QUEUED, SYSTEM, clock="start"),
    Operation("block", (BLOCKED, QUEUED), BLOCKED, SYSTEM),
    Operation("set_aside", (IN_PROGRESS,), PAUSED, SYSTEM, lease="ends"),
    Operation("arrive", (QUEUED,), ASSIGNED, SYSTEM),
    Operation("arrive_waiting", (ASSIGNED,), PAUSED, SYSTEM, clock="pause"),
    Operation("expire", (IN_PROGRESS, PAUSED), QUEUED, SYSTEM, lease="ends"),
    Operation("withdraw", (ASSIGNED, PAUSED), QUEUED, SYSTEM),
    Operation("close", OPEN, CANCELLED, SYSTEM, lease="ends", clock="stop"),
    Operation("finish", OPEN, COMPLETED, SYSTEM, lease="ends", clock="stop"),
    Operation("close_instead", (COMPLETED, CANCELLED), CANCELLED, SYSTEM, clock="stop"),
    Operation("finish_instead", (COMPLETED, CANCELLED), COMPLETED, SYSTEM, clock="stop"),
    Operation("wake", (PAUSED,), PAUSED, SYSTEM, clock="run"),
    Operation("remind", (PAUSED,), None, SYSTEM),
    Operation("raise", OPEN, None, SYSTEM),
    Operation("widen", OPEN, None, SYSTEM),
    Operation("retell", STATES, None, SYSTEM),
    Operation("follow", STATES, None, SYSTEM),
    Operation("rederive", OPEN, None, SYSTEM),
    Operation("reorder", OPEN, None, SYSTEM),
    Operation("sla.warned", OPEN, None, SYSTEM),
    Operation("sla.breached", OPEN, None, SYSTEM),
)
OPERATIONS = {operation.name: operation for operation in TABLE}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: their agent key, whether they manage this task's people, the token and version they sent."""

    agent: str | None
    manages: bool = False
    system: bool = False
    token: int | None = None
    version: int | None = None


def check(name: str, task: Task, caller: Caller, lease: Lease | None) -> Operation:
    """The operation, if ``caller`` may do it to ``task`` now; else the Conflict or Refused that says why not."""
    operation = OPERATIONS[name]
    if caller.version is not None and caller.version != task.version:
        raise VersionClash(
            f"The task has changed: it is at version {task.version}, you sent {caller.version}. Read it again.",
            version=task.version,
        )
    if task.state not in operation.frm:
        raise _wrong_state(name, operation, task, caller)
    if operation.token and not _free_of_token(operation, caller) and (task.state == IN_PROGRESS or caller.token):
        # A token that is sent must be alive, also where none is asked for: who sends a dead one knows an older task.
        _check_token(task, caller, lease)
    elif not caller.system and not _may(operation.who, task, caller):
        raise Forbidden(f"Only the {operation.who} may {name.replace('_', ' ')} this task.", holder=task.agent)
    return operation


def _free_of_token(operation: Operation, caller: Caller) -> bool:
    managed = operation.who == HOLDER_OR_MANAGER and caller.manages and caller.token is None
    return caller.system or managed


def _wrong_state(name: str, operation: Operation, task: Task, caller: Caller) -> InvalidTransition | LeaseLost:
    if operation.token and caller.token is not None:
        return LeaseLost(
            f"Your hold on this task has ended: it is {task.state} now. Nothing was changed.",
            state=task.state, holder=task.agent,
        )  # fmt: skip
    return InvalidTransition(
        f"{name.replace('_', ' ').capitalize()} is not possible: the task is {task.state}, "
        f"it would have to be {' or '.join(operation.frm)}.",
        state=task.state, holder=task.agent,
    )  # fmt: skip


def _check_token(task: Task, caller: Caller, lease: Lease | None) -> None:
    if lease is None or caller.token is None or caller.token != lease.token:
        said = "No lease_token was sent" if caller.token is None else "Your hold on this task has ended"
        raise LeaseLost(
            f"{said}; it is held by {task.agent}. Nothing was changed.", state=task.state, holder=task.agent
        )


def _may(who: str, task: Task, caller: Caller) -> bool:
    holds = caller.agent is not None and caller.agent in (task.agent, task.completed_by)
    return {
        HOLDER: holds,
        HOLDER_OR_MANAGER: holds or caller.manages,
        MANAGER: caller.manages,
        ANYBODY: True,
        DOER: True,
        SYSTEM: False,
    }[who]
