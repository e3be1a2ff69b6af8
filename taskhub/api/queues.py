"""``/queues``: where tasks wait, under which policy, how many, and who is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taskhub.access import service as access
from taskhub.api import queries, queue_view, seen, staffing_shown
from taskhub.assignment.foreign import service as foreign
from taskhub.db.tx import Tx
from taskhub.http import paging
from taskhub.http.edge import look
from taskhub.http.inputs import Key
from taskhub.http.route import router
from taskhub.policy.work import Queue

routes = router("queues")


@routes.get("/queues")
@look("queue.read")
def list_queues(tx: Tx) -> dict[str, Any]:
    """The queues the caller may see, with how much waits in each."""
    wanted = seen.queues(access.caller(tx), tx.policies)
    keys = list(tx.policies.queues) if wanted is None else wanted
    counts = _counts(queries.waiting(tx, keys))
    return paging.page(queue_view.lines(tx, keys, counts), None)


@routes.get("/queues/{key}")
@look("queue.read")
def get_queue(tx: Tx, key: Key) -> dict[str, Any]:
    """One queue: how it is served and why so, what waits and how long at most, who serves it and what they hold."""
    queue = seen.queue(tx, key)
    (line,) = queue_view.lines(tx, [key], _counts(queries.waiting(tx, [key])))
    people = queries.people(tx, queue.teams)
    return {
        **line,
        **_policy(tx, queue),
        **queue_view.depth(tx, queue),
        "people": people,
        "failing_plugins": _failing(tx, key),
    }


def _failing(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Plug-ins that gave no sound answer the last time they were asked."""
    return [
        {"plugin": one.name, "failures": one.failures, "left_out": one.out, "error": one.error, "at": one.at}
        for one in foreign.failing(tx, key)
    ]


def _counts(rows: Iterable[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for queue, state, count, late, start_by in rows:
        entry = found.setdefault(queue, {"breached": 0, "next_start_by": None})
        entry[state] = count
        entry["breached"] += late or 0
        if state == "queued":
            entry["next_start_by"] = start_by
    return found


def _policy(tx: Tx, queue: Queue) -> dict[str, Any]:
    skips = queue.skip_reasons or tx.policies.skip_reason_names
    return {
        "kinds": [kind.key for kind in tx.policies.kinds_of(queue.key)], "calendar": queue.calendar,
        "file": staffing_shown.staffing(queue.staffing), "order": queue.order, "pick": queue.pick,
        "lease_for_s": queue.lease_for.total_seconds(), "on_idle": queue.on_idle, "skip_budget": queue.skip_budget,
        "max_wait_s": {name: wait.total_seconds() for name, wait in queue.max_wait.items()},
        "skip_reasons": [
            {"key": key, "name": name.default, "names": dict(name.by_language)} for key, name in skips.items()
        ],
        "front_line": queue.front_line, "paused_counts": queue.paused_counts, "policy_hash": tx.policies.hash,
    }  # fmt: skip
