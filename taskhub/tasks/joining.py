"""Records were merged: the work about the one that goes follows to the one that stays, and back.

A task keeps its file, its person and its clocks. Of two tasks that are the same work one is closed, and the one that
does for both takes the earlier of the two due times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from taskhub.db.tx import Tx
from taskhub.errors import Conflict
from taskhub.events.times import written
from taskhub.tasks import clocks, moves, queries, rework, service, store
from taskhub.tasks.model import QUEUED, Task
from taskhub.tasks.twins import Twin, begun, twins

MERGED = "merged"
Row = dict[str, Any]


class Joined(NamedTuple):
    """``was``: task id → what stood in the columns that were written. ``closed``: twins.

    Each as (id, id of the one that does for it, whether that was begun).
    """

    was: dict[str, Row]
    closed: list[tuple[str, str, bool]]


def foreseen(tx: Tx, gone: str, stays: str) -> tuple[list[Task], list[Twin]]:
    """What would follow, and which of it is the same work twice. Locks nothing."""
    came = queries.concerning(tx, gone)
    there = queries.concerning(tx, stays)
    return came, _twins(came, there, gone, stays)


def open_about(tx: Tx, record: str) -> int:
    """How many open tasks are about a record."""
    return sum(one.is_open and one.record == record for one in queries.concerning(tx, record))


def join(tx: Tx, gone: str, stays: str) -> Joined:
    """Everything about ``gone`` (noun:id) is about ``stays`` from now on."""
    came = queries.concerning(tx, gone)
    there = [one for one in queries.concerning(tx, stays) if one.is_open and one.record == stays] if came else []
    locked = {one.id: one for one in store.lock_many(tx, sorted({task.id for task in (*came, *there)}))}
    pairs = _twins([locked[one.id] for one in came], [locked[one.id] for one in there], gone, stays)
    joined = Joined({}, [])
    for task in [locked[one.id] for one in came]:
        locked[task.id] = _write(tx, joined, task, moved(task, gone, stays))
    for pair in pairs:
        locked[pair.stays.id] = _close(tx, joined, locked[pair.stays.id], locked[pair.goes.id])
    _wait_there(tx, joined, {pair.goes.id: locked[pair.stays.id] for pair in pairs}, list(locked.values()))
    return joined


def _twins(came: Sequence[Task], there: Sequence[Task], gone: str, stays: str) -> list[Twin]:
    return twins([one for one in came if one.record == gone], [one for one in there if one.record == stays])


def moved(task: Task, gone: str, stays: str) -> Row:
    """The columns by which a task is about the record that goes, as they are to be."""
    (noun, _, old), new = gone.partition(":"), stays.partition(":")[2]
    whole: Row = {name: stays for name in ("record", "customer") if getattr(task, name) == gone}
    return {**whole, **({noun: new} if noun in ("lead", "deal") and getattr(task, noun) == old else {})}


def _write(tx: Tx, joined: Joined, task: Task, changes: Row) -> Task:
    if not changes:
        return task
    joined.was.setdefault(task.id, {})
    for name in changes:
        joined.was[task.id].setdefault(name, moves.plain(getattr(task, name)))
    return moves.move(tx, task, "follow", changes)


def _close(tx: Tx, joined: Joined, stays: Task, goes: Task) -> Task:
    joined.closed.append((goes.id, stays.id, begun(stays)))
    service.finish(tx, goes, "close", {"outcome": MERGED})
    changes: Row = {}
    if goes.due_at is not None and (stays.due_at is None or goes.due_at < stays.due_at):
        changes = {"due_at": goes.due_at, "explicit_due": True}
        changes |= clocks.retarget(tx, {**clocks.row_of(stays), **changes})
    place = changes.get("start_by", stays.start_by)
    if stays.state == QUEUED and goes.start_by is not None and (place is None or goes.start_by < place):
        changes["start_by"] = goes.start_by
    return _write(tx, joined, stays, changes)


def _wait_there(tx: Tx, joined: Joined, instead: Mapping[str, Task], tasks: Sequence[Task]) -> None:
    """What waited for a task that was closed waits for the one that does for it: the two are of one file then."""
    files: set[str] = set()
    for task in tasks:
        twin = next((instead[one] for one in task.blocked_by if one in instead), None)
        if twin is not None and task.id not in instead and twin.file and twin.file != task.file:
            _write(tx, joined, task, {"file": twin.file})
            files.add(twin.file)
    for file in sorted(files):
        tx.emit("file.changed", file)


def refuse_begun(tx: Tx, closed: Sequence[Sequence[Any]]) -> None:
    """Raises Conflict where the task that does for two was begun since: doing the other as well would be twice."""
    ids = [str(kept) for _, kept, was_begun in closed if not was_begun]
    for task in store.lock_many(tx, ids):
        if begun(task):
            raise Conflict(
                f"The task {task.title!r} was begun by {task.completed_by or task.agent or 'somebody'} for both "
                "records: the merge can no longer be taken back.",
                code="work_started", task=task.id, kind=task.kind, holder=task.completed_by or task.agent,
                state=task.state, started_at=written(task.started_at) if task.started_at else None,
            )  # fmt: skip


def part(tx: Tx, was: Mapping[str, Mapping[str, Any]], gone: str, stays: str, closed: Sequence[Sequence[Any]]) -> None:
    """Takes ``join`` back: what nobody has changed since is as it was, what was closed as a twin is wanted again."""
    for task in store.lock_many(tx, sorted(was)):
        back = {name: value for name, value in was[task.id].items() if _still(task, name, gone, stays)}
        _give_back(tx, task, back)
    for task in store.lock_many(tx, sorted(str(one[0]) for one in closed)):
        if task.outcome == MERGED and not task.is_open:
            rework.bring_back(tx, task, "undo", counted=True)


def _still(task: Task, name: str, gone: str, stays: str) -> bool:
    """Whether a column still says what the merge wrote; a date that moved again stays."""
    now = getattr(task, name)
    if name in ("lead", "deal"):
        return bool(now == stays.partition(":")[2])
    return now == stays if name in ("record", "customer") else True


def _give_back(tx: Tx, task: Task, back: Row) -> None:
    if "explicit_due" in back:
        due = back.get("due_at")
        back["due_at"] = datetime.fromisoformat(due) if isinstance(due, str) else None
        if not back["explicit_due"]:
            back["due_at"] = None
        back |= clocks.retarget(tx, {**clocks.row_of(task), **back}) if task.is_open else {}
    for name in ("start_by", "due_at"):
        if isinstance(back.get(name), str):
            back[name] = datetime.fromisoformat(back[name])
    if back:
        moves.move(tx, task, "follow", back)
