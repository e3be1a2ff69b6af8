"""Open tasks follow the active policies: queue, weight, due time and order anew, earned and counted time kept.

Only work that the change touches is looked at one by one, and only what differs is written; the rest gets its stamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskhub.db.tx import Tx
from taskhub.policy.policies import Policies
from taskhub.policy.work import Kind
from taskhub.tasks import affected, clocks, following, moves, pausing, queries, store
from taskhub.tasks.following import Followed
from taskhub.tasks.model import PAUSED, QUEUED, Task
from taskhub.tasks.shape import Shape

STAMPED_AT_ONCE = 2_000


def in_use(tx: Tx) -> dict[str, dict[str, int]]:
    """Open tasks by queue and by kind."""
    return {"queue": queries.open_by(tx, "queue"), "kind": queries.open_by(tx, "kind")}


def rederive(tx: Tx, most: int, moved_to: Mapping[str, str]) -> bool:
    """Brings up to ``most`` open tasks of older sets up to date, and stamps more. Whether some may be left.

    ``moved_to``: a kind that is no longer there -> the kind its tasks are of from now on.
    """
    left = STAMPED_AT_ONCE
    for group in queries.groups(tx, tx.policies.hash):
        if left and not affected.touched(tx.accepted(group.policy_hash), tx.policies, group):
            same = queries.of_group(tx, group, left)
            store.stamp(tx, same)
            left -= len(same)
    if not left:
        return True
    stale = queries.of_other_policies(tx, tx.policies.hash, most)
    store.stamp(tx, [task.id for task in stale if not follow(tx, task, moved_to)])
    return len(stale) == most


def catch_up(tx: Tx, task: Task) -> Task:
    """A locked task that lay outside of the policies' reach follows them from now on. Returns it as it is then."""
    if task.policy_hash == tx.policies.hash or task.kind not in tx.policies.kinds:
        return task
    if not follow(tx, task):
        store.stamp(tx, [task.id])
    return store.get(tx, task.id) or task


def follow(tx: Tx, task: Task, moved_to: Mapping[str, str] | None = None) -> bool:
    """Brings one locked task up to date. False: nothing of it differs, and nothing was written, its stamp neither."""
    kind = tx.policies.kinds.get(task.kind) or tx.policies.kinds.get((moved_to or {}).get(task.kind, ""))
    if kind is None:
        return False
    old = tx.accepted(task.policy_hash)
    touched = affected.touched(old, tx.policies, task)
    new = _work(tx, task, kind, old) if affected.WORK in touched else {}
    told = Followed({}, {}, None)
    if task.ready_at is not None:
        row = {**clocks.row_of(task), **new}
        told = following.follow(tx, row, task, old)
        new |= told.columns
        again = bool(told.changed) or affected.PROMISE in touched or row["sla"] != task.sla
        if again:
            clocks.arm(tx, task.id, told.next_look)
        if again or affected.LADDER in touched:
            clocks.look_at_ladder(tx, task.id, row["sla"])
    if task.state == PAUSED and affected.PAUSE in touched:
        pausing.remind_anew(tx, task)
    return _written(tx, task, new, told)


def _work(tx: Tx, task: Task, kind: Kind, old: Policies | None) -> dict[str, Any]:
    requires = {**kind.requires, **task.requires}
    level = affected.level(old, tx.policies, kind, task)
    teams = tuple(task.extra_teams)
    shape = Shape.of(kind.queue, kind.key, skill=kind.skill_key, level=level, requires=requires, extra_teams=teams)
    if shape.id != task.shape:
        store.know_shape(tx, shape)
    return {
        "kind": kind.key, "queue": kind.queue, "shape": shape.id, "weight": kind.weight,
        "minutes": kind.expected_minutes, "level": level, "sla": affected.promise(old, tx.policies, kind, task),
    }  # fmt: skip


def _written(tx: Tx, task: Task, new: Mapping[str, Any], told: Followed) -> bool:
    changed = {name: value for name, value in new.items() if getattr(task, name) != value}
    if not changed and not told.changed:
        return False
    was = {name: moves.plain(getattr(task, name)) for name in (*changed, "policy_hash")}
    note = {"was": was} | ({"clocks": told.changed} if told.changed else {})
    stamped = {**changed, "policy_hash": tx.policies.hash, "waiting_reasons": None}
    moved = moves.move(tx, task, "rederive", stamped, note)
    if moved.state == QUEUED:
        moves.announce_ready(tx, moved)
    return True
