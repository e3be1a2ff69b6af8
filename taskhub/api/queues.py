"""``/queues``: where tasks wait, under which policy, how many, and who is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taskhub.access import service as access
from taskhub.api import queries, seen
from taskhub.assignment.foreign import service as foreign
from taskhub.db.tx import Tx
from taskhub.errors import NotFound
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.inputs import Key
from taskhub.http.route import router
from taskhub.policy.work import Queue
from taskhub.tasks.model import OPEN

routes = router("queues")


@routes.get("/queues")
@look("queue.read")
def list_queues(tx: Tx) -> dict[str, Any]:
    """The queues the caller may see, with how much waits in each."""
    wanted = seen.queues(access.caller(tx), tx.policies)
    keys = list(tx.policies.queues) if wanted is None else wanted
    counts = _counts(queries.waiting(tx, keys))
    return paging.page([_line(tx, tx.policies.queues[key], counts.get(key, {})) for key in keys], None)


@routes.get("/queues/{key}")
@look("queue.read")
def get_queue(tx: Tx, key: Key) -> dict[str, Any]:
    """One queue: its policy, what waits, who serves it and how much each of them holds."""
    queue = tx.policies.queues.get(key)
    if queue is None:
        raise NotFound(f"There is no queue {key!r}.")
    access.check(access.caller(tx), "queue.read", seen.of_queue(queue))
    counts = _counts(queries.waiting(tx, [key]))
    return {
        **_line(tx, queue, counts.get(key, {})), **_policy(tx, queue), "people": queries.people(tx, queue.teams),
        "failing_plugins": [
            {"plugin": one.name, "failures": one.failures, "left_out": one.out, "error": one.error, "at": one.at}
            for one in foreign.failing(tx, key)
        ],
    }  # fmt: skip


def _counts(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for queue, state, count, late, start_by in rows:
        entry = found.setdefault(queue, {"breached": 0, "next_start_by": None})
        entry[state] = count
        entry["breached"] += late or 0
        if state == "queued":
            entry["next_start_by"] = start_by
    return found


def _line(tx: Tx, queue: Queue, counted: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": queue.key, "name": str(queue.name), "mode": queue.mode, "teams": list(queue.teams),
        "model": queue.staffing.model, "strategy": queue.staffing.strategy, "closed": queue.closed,
        "paused": queue.paused, "open": tx.policies.calendar_of(queue.key).is_open(tx.now),
        "counts": {state: counted.get(state, 0) for state in OPEN},
        "breached": counted.get("breached", 0), "next_start_by": counted.get("next_start_by"),
    }  # fmt: skip


def _policy(tx: Tx, queue: Queue) -> dict[str, Any]:
    return {
        "kinds": [kind.key for kind in tx.policies.kinds_of(queue.key)], "calendar": queue.calendar,
        "params": dict(queue.staffing.params), "order": queue.order, "pick": queue.pick,
        "lease_for_s": queue.lease_for.total_seconds(), "on_idle": queue.on_idle, "skip_budget": queue.skip_budget,
        "max_wait_s": {name: wait.total_seconds() for name, wait in queue.max_wait.items()},
        "front_line": queue.front_line, "paused_counts": queue.paused_counts, "policy_hash": tx.policies.hash,
    }  # fmt: skip
