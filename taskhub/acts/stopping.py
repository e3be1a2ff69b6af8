"""A queue is closed, opened, paused or resumed, and its work moved to another kind: with preview, and undone whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.policy.reading.nearest import nearest
from taskhub.policy.work import Kind, Queue
from taskhub.queues import service as queues
from taskhub.queues.model import State
from taskhub.tasks import moving, returning
from taskhub.tasks.model import Task


@dataclass(frozen=True, slots=True)
class Stop:
    """``fed_by``: rules that go on making work for a queue that is closed; it is made and waits there."""

    state: State
    fed_by: list[str]


@dataclass(frozen=True, slots=True)
class Move:
    """``moved`` tasks change their kind, ``stays`` are begun, paused or pinned, ``left`` is for the next call."""

    kind: Kind
    to: Kind
    moved: list[str]
    stays: list[str]
    left: int


def stop(tx: Tx, queue: Queue, verb: str, reason: str | None) -> Stop:
    """Closes, opens, pauses or resumes a queue. Raises Conflict."""
    state = queues.stop(tx, queue, verb, reason)
    return Stop(state, feeders(tx, queue) if state.closed else [])


def feeders(tx: Tx, queue: Queue) -> list[str]:
    """Rules that make tasks of the queue's kinds."""
    own = {kind.key for kind in tx.policies.kinds_of(queue.key)}
    return [rule.key for rule in tx.policies.rules if any(task.kind in own for task in rule.tasks)]


def preview(tx: Tx, queue: Queue, kind: str, to: str) -> Move:
    """What ``move`` would move. Raises what it would raise."""
    old, new = _kinds(tx, queue, kind, to)
    waiting, stays = moving.of_kind(tx, queue.key, kind)
    return _shown(old, new, waiting[: moving.MOST], stays, len(waiting) - moving.MOST)


def move(tx: Tx, queue: Queue, kind: str, to: str, reason: str) -> Move:
    """Moves the queue's waiting work of one kind to another kind, clocks kept, in one transaction."""
    old, new = _kinds(tx, queue, kind, to)
    waiting, stays = moving.of_kind(tx, queue.key, kind)
    moved = moving.move(tx, [task.id for task in waiting[: moving.MOST]], to, reason)
    return _shown(old, new, moved, stays, len(waiting) - moving.MOST)


def _shown(old: Kind, new: Kind, moved: Sequence[Task], stays: Sequence[Task], left: int) -> Move:
    return Move(old, new, [task.id for task in moved], [task.id for task in stays], max(0, left))


def _kinds(tx: Tx, queue: Queue, kind: str, to: str) -> tuple[Kind, Kind]:
    old, new = _kind(tx, kind), _kind(tx, to)
    if old.queue != queue.key:
        own = ", ".join(one.key for one in tx.policies.kinds_of(queue.key))
        raise InvalidInput(
            f"Kind {kind!r} belongs to queue {old.queue!r}. Kinds of {queue.key!r}: {own}.", code="kind_not_in_queue"
        )
    if new.queue == queue.key:
        raise InvalidInput(
            f"Kind {to!r} waits in {queue.key!r} too; name a kind of another queue.", code="same_queue", queue=new.queue
        )
    queues.refuse_closed(tx, tx.policies.queues[new.queue])
    return old, new


def _kind(tx: Tx, key: str) -> Kind:
    found = tx.policies.kinds.get(key)
    if found is None:
        near = nearest(key, tx.policies.kinds)
        hint = f" Did you mean {near!r}?" if near else ""
        names = ", ".join(sorted(tx.policies.kinds))
        raise InvalidInput(f"There is no kind {key[:64]!r}.{hint} Kinds: {names}.", code="unknown_kind")
    return found


def holds(tx: Tx, queue: Queue) -> Mapping[str, Any]:
    """What the queue has with people, for a preview of closing it."""
    back, stays = returning.split(returning.given(tx, queue.key))
    return {"assigned": len(back), "stays": len(stays)}
