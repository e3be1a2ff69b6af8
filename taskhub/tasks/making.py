"""Tasks come into being: once per origin, blocked or ready, with their clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from taskhub.db.tx import Tx
from taskhub.events.model import Version
from taskhub.failpoints import failpoint
from taskhub.ids import new_id
from taskhub.sales import customers
from taskhub.sales.search import service as search
from taskhub.tasks import clocks, drafting, moves, queries, store
from taskhub.tasks.drafting import Draft
from taskhub.tasks.model import QUEUED, NewTask, Task

# What the change behind a task says of it; the older of two changes says it.
TOLD = (
    "title", "priority", "level", "requires", "shape", "record", "file", "lead", "deal", "event", "occurred_at", "sla",
    "data", "checklist", "customer",
)  # fmt: skip


class Made(NamedTuple):
    """Ids of tasks that came into being now, and of those whose origin was known."""

    fresh: list[str]
    known: list[str]

    @property
    def ids(self) -> list[str]:
        """All of them."""
        return [*self.fresh, *self.known]


def make(tx: Tx, news: Sequence[NewTask]) -> list[str]:
    """Makes every task whose origin is new, in one go. Returns the ids of all tasks of these origins, new or not."""
    return bring_about(tx, news).ids


def bring_about(tx: Tx, news: Sequence[NewTask]) -> Made:
    """What ``make`` does, told apart: what is new, and what was there."""
    if not news:
        return Made([], [])
    drafts = [drafting.draft(new, tx.policies, tx.now, new_id()) for new in news]
    _stamp_customers(tx, drafts)
    _block(tx, drafts)
    clock_rows = [row for d in drafts if d.row["state"] == QUEUED for row in _make_ready(tx, d)]
    for shape in {d.shape for d in drafts}:
        store.know_shape(tx, shape)
    made = store.insert_new(tx, [d.row for d in drafts])
    failpoint("making.inserted")
    fresh = [d for d in drafts if d.id in made]
    search.note(tx, {f"task:{d.id}": (d.row, d.row["created_at"]) for d in fresh}, fresh=True)
    store.put_clocks(tx, [row for row in clock_rows if row["task"] in made])
    failpoint("making.clocked")
    store.exclude(tx, [_exclusion(d.id, a, why) for d in fresh for a, why in d.new.excluded.items()])
    for d in fresh:
        _announce(tx, d)
    known = [d for d in drafts if d.id not in made]
    return Made([d.id for d in fresh], [id_ for d in known for id_ in _older_wins(tx, d)])


def _stamp_customers(tx: Tx, drafts: Sequence[Draft]) -> None:
    """Whom the work is for, as far as sales knows; tasks of one record share the answer."""
    unsaid = [d for d in drafts if d.row["customer"] is None and d.row["record"]]
    known = {record: customers.of(tx, record) for record in {d.row["record"] for d in unsaid}}
    for d in unsaid:
        d.row["customer"] = known[d.row["record"]]


def _older_wins(tx: Tx, d: Draft) -> list[str]:
    """Made once per origin: the oldest change says what it is, in whatever order they arrive.

    Returns the task and what has followed from it already, whose place among the changes is another now.
    """
    task = store.by_origin(tx, d.row["origin"])
    told = Version(task.version_at, task.version_tie or "") if task.version_at is not None else None
    if told is None or d.new.version is None or d.new.version >= told:
        return [task.id]
    _retell(tx, task, d)
    return [task.id, *_relink(tx, task.id, told, Version(*d.new.version))]


def _relink(tx: Tx, parent: str, was: Version, now: Version) -> list[str]:
    found: list[str] = []
    for child in queries.chained(tx, parent, was.linked.at, was.linked.tie):
        moves.move(tx, child, "retell", {"version_at": now.linked.at, "version_tie": now.linked.tie})
        found += [child.id, *_relink(tx, child.id, was.linked, now.linked)]
    return found


def _retell(tx: Tx, task: Task, d: Draft) -> None:
    """What somebody has begun keeps its words; its version still decides which closings meet it."""
    changes = {name: d.row[name] for name in ("version_at", "version_tie", *(() if task.started_at else TOLD))}
    if task.ready_at is not None and task.is_open:
        row = {name: getattr(task, name) for name in Task.__slots__} | changes
        changes |= clocks.retarget(tx, row)
    moved = moves.move(tx, task, "retell", changes)
    store.exclude(tx, [_exclusion(task.id, a, why) for a, why in d.new.excluded.items()])
    if moved.file and moved.file != task.file:
        tx.emit("file.changed", moved.file)
    if moved.state == QUEUED:
        moves.announce_ready(tx, moved)


def _exclusion(task: str, agent: str, why: str) -> dict[str, Any]:
    return {"task": task, "agent": agent, "why": why, "until": None}


def _block(tx: Tx, drafts: Sequence[Draft]) -> None:
    for file in {d.new.file for d in drafts if d.new.file and d.new.waits_for}:
        batch = [(d.id, d.row["kind"]) for d in drafts if d.new.file == file]
        others = queries.unsettled_in_file(tx, str(file)) + batch
        for d in drafts:
            if d.new.file == file:
                d.row["blocked_by"] = drafting.blockers(d.new.waits_for, others, d.id)
    for d in drafts:
        d.row.setdefault("blocked_by", [])
        d.row["state"] = drafting.state_of(d.row["blocked_by"], d.row["blocked_until"], tx.now)


def _make_ready(tx: Tx, d: Draft) -> list[dict[str, Any]]:
    ready_at = d.new.since or tx.now
    started_at = clocks.starts_at(tx, d.row["sla"], d.new.occurred_at, ready_at, sla_from=d.new.sla_from)
    opened = clocks.opening(tx, d.row, started_at=started_at)
    d.row.update(ready_at=ready_at, due_at=opened.due_at, sla_state=opened.state)
    d.row["start_by"] = clocks.start_by(tx, d.row)
    d.next_look = opened.next_look
    return opened.rows


def _announce(tx: Tx, d: Draft) -> None:
    row = d.row
    born = {k: row[k] for k in ("kind", "queue", "state", "priority", "record", "rule", "event", "checks")}
    born = {name: value for name, value in born.items() if value is not None}
    tx.record("task", d.id, "create", born, seq=1)
    tx.emit("task.created", d.id, {"queue": row["queue"]})
    if row["file"] and (row["waits_for"] or row["kind"] in tx.policies.awaited):
        tx.emit("file.changed", row["file"])
    if row["state"] == QUEUED:
        queue = tx.policies.queues[row["queue"]]
        tx.emit("task.ready", d.id, {"rotation": queue.turn_key, "queue": queue.key})
        clocks.arm(tx, d.id, d.next_look)
        clocks.look_at_ladder(tx, d.id, row["sla"])
    elif row["blocked_until"] is not None:
        tx.emit("block.ended", d.id, due_at=row["blocked_until"])


def ready(tx: Tx, task: Task) -> Task:
    """A blocked task becomes available: its clocks start now, or when it happened where rule or promise say so."""
    row = {name: getattr(task, name) for name in Task.__slots__}
    started_at = clocks.starts_at(tx, task.sla, task.occurred_at, tx.now, rule=task.rule)
    opened = clocks.opening(tx, row, started_at=started_at)
    row.update(ready_at=tx.now, due_at=opened.due_at)
    store.put_clocks(tx, opened.rows)
    failpoint("making.unblocking")
    changes = {
        "state": QUEUED, "ready_at": tx.now, "due_at": opened.due_at, "sla_state": opened.state, "blocked_by": [],
        "blocked_until": None, "start_by": clocks.start_by(tx, row),
    }  # fmt: skip
    moved = moves.move(tx, task, "unblock", changes)
    moves.announce_ready(tx, moved)
    clocks.arm(tx, task.id, opened.next_look)
    return moved
