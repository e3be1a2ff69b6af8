"""The figures and their formulas. Pure: transitions in, figures out; durations in seconds of real time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

IN_PROGRESS = "in_progress"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure people may ask for: ``unit`` s (seconds), tasks or share (0..1), ``formula`` in words."""

    name: str
    unit: str
    formula: str


METRICS: tuple[Metric, ...] = (
    Metric("backlog", "tasks", "tasks that are open now"),
    Metric("throughput", "tasks", "tasks completed in the period"),
    Metric("wait_time", "s", "from ready to the first start, of tasks completed in the period"),
    Metric("handle_time", "s", "sum of the stretches in progress, of tasks completed in the period"),
    Metric("cycle_time", "s", "from ready to completed, of tasks completed in the period"),
    Metric("sla_attainment", "share", "met ÷ (met + met late), of tasks with a promise completed in the period"),
    Metric("rework", "share", "tasks completed in the period that had been completed before ÷ throughput"),
)


@dataclass(frozen=True, slots=True)
class Transition:
    """One history row of a task: the state it went to, when."""

    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Done:
    """A task completed in the period, with every change of its state in order."""

    group: str
    ready_at: datetime
    started_at: datetime | None
    completed_at: datetime
    sla_state: str | None
    transitions: Sequence[Transition] = field(default_factory=tuple)


def handle_time(transitions: Iterable[Transition]) -> float:
    """Seconds spent in progress.

    >>> from datetime import UTC, datetime as d
    >>> handle_time([Transition(d(2026, 1, 5, 9, tzinfo=UTC), "in_progress"),
    ...              Transition(d(2026, 1, 5, 10, tzinfo=UTC), "completed")])
    3600.0
    """
    total, since = 0.0, None
    for one in transitions:
        if since is not None:
            total += (one.at - since).total_seconds()
        since = one.at if one.state == IN_PROGRESS else None
    return total


def figures(done: Sequence[Done], backlog: int) -> dict[str, Any]:
    """Every metric of one group; a figure without a single task behind it is None."""
    waits = [(d.started_at - d.ready_at).total_seconds() for d in done if d.started_at]
    cycles = [(d.completed_at - d.ready_at).total_seconds() for d in done]
    promised = [d for d in done if d.sla_state in ("met", "met_late")]
    again = sum(sum(t.state == "completed" for t in d.transitions) > 1 for d in done)
    return {
        "backlog": backlog,
        "throughput": len(done),
        "wait_time": spread([max(0.0, wait) for wait in waits]),
        "handle_time": spread([handle_time(d.transitions) for d in done]),
        "cycle_time": spread([max(0.0, cycle) for cycle in cycles]),
        "sla_attainment": sum(d.sla_state == "met" for d in promised) / len(promised) if promised else None,
        "rework": again / len(done) if done else None,
    }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Mean, median and the value nine in ten stay within.

    >>> spread([1.0, 2.0, 3.0])
    {'mean': 2.0, 'median': 2.0, 'p90': 3.0}
    """
    if not values:
        return None
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return {"mean": sum(ordered) / len(ordered), "median": median(ordered), "p90": p90}


def grouped(done: Sequence[Done], backlog: Mapping[str, int]) -> list[dict[str, Any]]:
    """The figures of every group that has any, by name."""
    groups: dict[str, list[Done]] = {name: [] for name in backlog}
    for one in done:
        groups.setdefault(one.group, []).append(one)
    return [{"key": name, **figures(groups[name], backlog.get(name, 0))} for name in sorted(groups)]
