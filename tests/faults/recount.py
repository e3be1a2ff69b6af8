"""What must hold of the whole history, folded row by row: legal steps, fair claims, figures that agree with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from taskhub.db.tables import decision, event, lease, task
from taskhub.db.tx import Tx
from taskhub.metrics import queries as metrics
from taskhub.metrics.scrape.queries import house
from taskhub.tasks.lifecycle import OPERATIONS
from taskhub.tasks.model import COMPLETED, OPEN
from tests.faults.holds import Step, steps_of

AGES = timedelta(days=3_650)
TO_PERSON = ("reopen", "restore", "expire")  # where the table names one state, and a person may get it back at once
EVENTS = {"received": "taskhub_inbox_events", "quarantined": "taskhub_events_quarantined"}
Offender = tuple[Any, ...]


def broken(tx: Tx) -> list[str]:
    """The invariants that do not hold, each with the first offenders."""
    found = [(name, list(check(tx))) for name, check in CHECKS.items()]
    return [f"{name}: {len(rows)}, such as {rows[:3]}" for name, rows in found if rows]


def _legal(tx: Tx) -> Iterator[Offender]:
    for id_, steps in steps_of(tx.conn).items():
        for step in steps:
            if step.change.get("state") is None or step.act == "create":
                continue
            operation = OPERATIONS.get(step.act)
            if operation is None or step.change.get("from") not in operation.frm or not _arrives(step):
                yield id_, step.seq, step.act, step.change.get("from"), step.change["state"]


def _arrives(step: Step) -> bool:
    return step.act in TO_PERSON or step.act == "block" or step.change["state"] == OPERATIONS[step.act].to


def _fair(tx: Tx) -> Iterator[Offender]:
    """Whatever stood before the task a person took was kept from them for a reason."""
    pulled = select(decision.c.task, decision.c.facts).where(decision.c.way == "pull")
    for task_id, facts in tx.conn.execute(pulled):
        raw: Mapping[str, Any] = facts.get("pull", facts)
        why = [row[8] for row in raw["over"]] if "over" in raw else raw["why"]
        if not all(why):
            yield task_id, "passed over without a reason"


def _folded(tx: Tx) -> dict[str, str]:
    """Where history says each task is."""
    states: dict[str, str] = {}
    for id_, steps in steps_of(tx.conn).items():
        for step in steps:
            states[id_] = step.change.get("state") or states.get(id_, "")
    return states


def _gauges(tx: Tx) -> Iterator[Offender]:
    """What Prometheus is told is what history says."""
    told = Counter({(one.name, *sorted(one.labels)): one.value for one in house(tx)})
    queues: dict[str, str] = dict(tx.conn.execute(select(task.c.id, task.c.queue)).all())
    states = _folded(tx)
    counted: Counter[tuple[str, ...]] = Counter(
        ("taskhub_open_tasks", *sorted((queues[id_], state))) for id_, state in states.items() if state in OPEN
    )
    for state in tx.conn.execute(select(event.c.state)).scalars():
        counted[EVENTS.get(state, "elsewhere"),] += 1
    counted.pop(("elsewhere",), None)
    counted["taskhub_leases",] = len(tx.conn.execute(select(lease.c.task)).all())
    names = {"taskhub_open_tasks", "taskhub_leases", *EVENTS.values()}
    for place in {*counted, *(place for place in told if place[0] in names)}:
        if told[place] != counted[place]:
            yield (*place, f"said {told[place]}, is {counted[place]}")


def _figures(tx: Tx) -> Iterator[Offender]:
    """Throughput and backlog by queue are those of history."""
    queues: dict[str, str] = dict(tx.conn.execute(select(task.c.id, task.c.queue)).all())
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for id_, state in _folded(tx).items():
        done[queues[id_]] += state == COMPLETED
        left[queues[id_]] += state in OPEN
    ready = text("select queue, count(*) from task where state = 'completed' and ready_at is null group by queue")
    for queue, never_ready in tx.conn.execute(ready):
        done[queue] -= never_ready  # ended before it was ready: no wait, no cycle, no throughput
    for row in metrics.of_tasks(tx, "queue", tx.now - AGES, tx.now + AGES, None):
        key = row["key"]
        if (row["throughput"], row["backlog"]) != (done[key], left[key]):
            yield key, f"said {row['throughput']} done and {row['backlog']} left, is {done[key]} and {left[key]}"


CHECKS: Mapping[str, Callable[[Tx], Iterator[Offender]]] = {
    "I10 a task moves along legal edges": _legal,
    "I12 nobody passes over what came first without a reason": _fair,
    "I16 the counters agree": _gauges,
    "I18 the figures are those of history": _figures,
}
