"""What a pass leaves behind, as JSON: enough to decide each of its tasks again, one at a time.

A pass is stored as one **head** (people, queues, turns, ``now``, hashes: the snapshot without tasks) and **blocks** of
at most BLOCK tasks. A block says how everybody stood at its start and lists its tasks with the move (agent, turn) each
of them caused, so one decision is run again from the head and its own block, however big the pass was. Nothing derived
is stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from taskhub.assignment.codec import (
    as_people,
    as_queue,
    as_shape,
    as_task,
    moment,
    people_facts,
    queue_facts,
    task_facts,
    to_moment,
)
from taskhub.assignment.decide import in_order
from taskhub.assignment.floor import Floor, enrolled
from taskhub.assignment.model import Assigned, PassResult, Snapshot, TaskFacts
from taskhub.assignment.registry import Plugins
from taskhub.tasks.shape import Shape

# Stored positions lead to blocks by this number: it may not change for records already written.
BLOCK = 64
FORMAT = 1


def dumps(value: Any) -> str:
    """Compact, and the same text for the same value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def to_json(snapshot: Snapshot) -> str:
    """The whole snapshot; ``from_json`` gives an equal one back."""
    return dumps({"head": _head(snapshot), **_tasks(snapshot.tasks)})


def from_json(text: str) -> Snapshot:
    """Inverse of ``to_json``."""
    raw = json.loads(text)
    return replace(_snapshot(raw["head"]), tasks=_read_tasks(raw))


@dataclass(frozen=True, slots=True)
class PassRecord:
    """What to store: ``head`` once, ``blocks`` by number, and for each kept task its ``positions``."""

    head: str
    blocks: tuple[str, ...]
    positions: dict[str, int]


def block_of(position: int) -> int:
    """The number of the block that holds a position."""
    return position // BLOCK


def record(snapshot: Snapshot, result: PassResult, plugins: Plugins, keep: Collection[str] | None = None) -> PassRecord:
    """What a pass leaves behind. ``keep``: the waiting tasks whose reasons are new (None = all); gifts are always kept.

    A pick that is dropped later as overtaken may only stay in ``result`` if the picks after it stay as they were
    decided: with it in view.
    """
    start = pinned(enrolled(snapshot, plugins), plugins)
    floor = Floor(start, plugins)
    moves = {one.task: one.agent for one in result.decisions if isinstance(one, Assigned)}
    kept = [task for task in in_order(snapshot.tasks) if task.id in moves or keep is None or task.id in keep]
    blocks = tuple(_block(floor, kept[at : at + BLOCK], moves) for at in range(0, len(kept), BLOCK))
    return PassRecord(dumps(_head(start)), blocks, {task.id: place for place, task in enumerate(kept)})


def pinned(snapshot: Snapshot, plugins: Plugins) -> Snapshot:
    """The snapshot with the versions that decide written into its queues."""
    queues = {
        key: replace(
            queue,
            model_version=plugins.model(queue.model, queue.model_version).version,
            strategy_version=plugins.strategy(queue.strategy, queue.strategy_version).version,
        )
        for key, queue in snapshot.queues.items()
    }
    return replace(snapshot, queues=queues)


def _block(floor: Floor, tasks: list[TaskFacts], moves: dict[str, str]) -> str:
    began = floor.state()
    made = [[moves[task.id], floor.give(task, moves[task.id])] if task.id in moves else None for task in tasks]
    return dumps({"began": began, "moves": made, **_tasks(tasks)})


@dataclass(frozen=True, slots=True)
class Block:
    """A block read back: how everybody stood when it began, its tasks, and the move each of them caused."""

    began: dict[str, Any]
    tasks: tuple[TaskFacts, ...]
    moves: tuple[tuple[str, int] | None, ...]


def read_head(head: str) -> Snapshot:
    """The snapshot of a stored pass, without its tasks."""
    return _snapshot(json.loads(head))


def read_block(block: str) -> Block:
    """One stored block."""
    raw = json.loads(block)
    moves = tuple([(move[0], move[1]) if move else None for move in raw["moves"]])
    return Block(raw["began"], _read_tasks(raw), moves)


def _head(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "now": moment(snapshot.now),
        "engine": snapshot.engine_version,
        "policy": snapshot.policy_hash,
        "queues": [queue_facts(queue) for _, queue in sorted(snapshot.queues.items())],
        **people_facts(snapshot.agents),
        "turns": snapshot.turns,
    }


def _snapshot(raw: dict[str, Any]) -> Snapshot:
    queues = [as_queue(queue) for queue in raw["queues"]]
    return Snapshot(
        now=to_moment(raw["now"]),
        queues={queue.key: queue for queue in queues},
        agents=as_people(raw),
        turns=raw["turns"],
        policy_hash=raw["policy"],
        engine_version=raw["engine"],
    )


def _tasks(tasks: Collection[TaskFacts]) -> dict[str, Any]:
    places: dict[Shape, int] = {}
    rows = [task_facts(task, places.setdefault(task.shape, len(places))) for task in tasks]
    return {"shapes": list(places), "tasks": rows}


def _read_tasks(raw: dict[str, Any]) -> tuple[TaskFacts, ...]:
    shapes = [as_shape(row) for row in raw["shapes"]]
    return tuple([as_task(row, shapes) for row in raw["tasks"]])
