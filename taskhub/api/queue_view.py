"""A queue as it is served now: its file, what was said of it, how long its work waits at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskhub.api import staffing_shown as shown
from taskhub.assignment import pools
from taskhub.assignment.bound import Bound, bounds
from taskhub.db.tx import Tx
from taskhub.policy.work import Queue
from taskhub.queues import lending, model, periods, queries
from taskhub.queues import service as queues
from taskhub.queues.model import Held
from taskhub.tasks.model import OPEN


def lines(tx: Tx, keys: Sequence[str], counts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line a queue: what waits, and how it is served, where that comes from and what is planned."""
    held = queues.held(tx, keys)
    loans, ahead = lending.of_queues(tx, list(keys)), periods.of_queues(tx, list(keys))
    planned = queues.planned(tx, keys)
    return [
        {
            **_line(tx, tx.policies.queues[key], held[key], counts.get(key, {})),
            "planned": [shown.switch(one) for one in planned if one.queue == key],
            "loans": [shown.lending(one) for one in loans if one.queue == key],
            "periods": [shown.period(one) for one in ahead if one.queue == key],
        }
        for key in keys
    ]  # fmt: skip


def _line(tx: Tx, file: Queue, held: Held, counted: Mapping[str, Any]) -> dict[str, Any]:
    now = model.as_served(file, held)
    return {
        "key": file.key, "name": str(file.name), "mode": file.mode, "teams": list(file.teams),
        "model": now.staffing.model, "strategy": now.staffing.strategy, "closed": now.closed, "paused": now.paused,
        "open": tx.policies.calendar_of(file.key).is_open(tx.now),
        "counts": {state: counted.get(state, 0) for state in OPEN},
        "breached": counted.get("breached", 0), "next_start_by": counted.get("next_start_by"),
        "staffing": {**shown.staffing(now.staffing), **_source(held)}, "state": shown.state(held.state, file),
    }  # fmt: skip


def _source(held: Held) -> dict[str, Any]:
    one = held.switch
    if one is None or one.model is None:
        return {"source": "file", "since": one.effective_at if one else None, "switch": None}
    return {"source": "switch", "since": one.effective_at, "switch": one.id, "by": one.by}


def depth(tx: Tx, file: Queue) -> dict[str, Any]:
    """What one queue shows beyond its line: the bound on waiting, its pool, what came in since it was closed."""
    (now,) = queues.as_served(tx, [file])
    people = pools.on_shift(tx, file)
    state = queues.held(tx, [file.key])[file.key].state
    since = state.at if state.closed else None
    return {
        "bound": {name: _bound(one) for name, one in _bounds(tx, now, people).items()},
        "people_on_shift": people, "pool_state": queries.pool(tx, file.key), "duty": queries.duties(tx, file.key),
        "arrived_since_closed": queries.arrived(tx, file.key, since) if since is not None else None,
    }  # fmt: skip


def _bounds(tx: Tx, queue: Queue, people: int) -> dict[str, Bound]:
    calendar = tx.policies.calendar_of(queue.key)
    until = {name: calendar.add(tx.now, longest) for name, longest in queue.max_wait.items()}
    beside = [one.key for one in tx.policies.queues.values() if not set(one.teams).isdisjoint(queue.teams)]
    return bounds(queue.max_wait, queries.ahead(tx, beside, until), people)


def _bound(one: Bound) -> dict[str, Any]:
    return {
        "max_wait_s": one.max_wait.total_seconds(), "ahead": one.ahead, "minutes_ahead": one.minutes_ahead,
        "wait_s": one.wait.total_seconds() if one.wait is not None else None,
    }  # fmt: skip
