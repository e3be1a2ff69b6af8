"""Open tasks follow the active policies: queue, weight, due time and order anew, earned and counted time kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.db.tx import Tx
from taskhub.policy.policies import Policies
from taskhub.tasks import clocks, moves, queries, store
from taskhub.tasks.model import QUEUED, Task
from taskhub.tasks.shape import Shape


def in_use(tx: Tx) -> dict[str, dict[str, int]]:
    """Open tasks by queue and by kind."""
    return {"queue": queries.open_by(tx, "queue"), "kind": queries.open_by(tx, "kind")}


def rederive(tx: Tx, most: int, moved_to: Mapping[str, str]) -> int:
    """Brings up to ``most`` open tasks of older sets up to date. Returns how many it looked at.

    ``moved_to``: a kind that is no longer there -> the kind its tasks are of from now on.
    """
    stale = queries.of_other_policies(tx, tx.policies.hash, most)
    for task in stale:
        _one(tx, task, moved_to)
    return len(stale)


def most_asked(policies: Policies, task: Task) -> int:
    """The highest level the rule behind a task can ask for now; what was made by hand keeps its own.

    How skilled one must be is a policy of ours, and follows the files. What a task requires (its language, its region)
    is a fact of the work, and stays.
    """
    if task.rule is None:
        return task.level
    made = [one for rule in policies.rules if rule.key == task.rule for one in rule.tasks if one.kind == task.kind]
    return max((level or 1 for one in made for level in (one.level, *(step.level for step in one.raises))), default=1)


def _one(tx: Tx, task: Task, moved_to: Mapping[str, str]) -> None:
    kind = tx.policies.kinds.get(task.kind) or tx.policies.kinds.get(moved_to.get(task.kind, ""))
    if kind is None:
        store.save(tx, task.id, {"policy_hash": tx.policies.hash})
        return
    requires = {**kind.requires, **task.requires}
    level = max(kind.level, min(task.level, most_asked(tx.policies, task)))
    shape = Shape.of(
        kind.queue, kind.key, skill=kind.skill_key, level=level, requires=requires, extra_teams=tuple(task.extra_teams)
    )
    store.know_shape(tx, shape)
    row: dict[str, Any] = {n: getattr(task, n) for n in Task.__slots__}
    new = {
        "kind": kind.key,
        "queue": kind.queue,
        "shape": shape.id,
        "weight": kind.weight,
        "minutes": kind.expected_minutes,
        "level": level,
    }
    row |= new
    if task.ready_at is not None:
        new |= clocks.retarget(tx, row)
    changed = {k: v for k, v in new.items() if getattr(task, k) != v}
    if not changed:
        store.save(tx, task.id, {"policy_hash": tx.policies.hash})
        return
    moved = moves.move(tx, task, "rederive", {**changed, "policy_hash": tx.policies.hash, "waiting_reasons": None})
    if moved.state == QUEUED:
        moves.announce_ready(tx, moved)
