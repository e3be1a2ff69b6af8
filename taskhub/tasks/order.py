"""Which waiting task goes first: one stored instant, ``start_by``; the smallest first, then created_at.

Computed when a task becomes ready and when due time, priority or policy changes, never because time passes. So nothing
that becomes ready after X.start_by is given before X to a person who may take X: that is the bound on waiting.

A period puts a queue ahead: while it holds, start_by is so much of the queue's business time earlier, but never before
the task was ready. So what becomes ready inside a period still stands behind everything whose start_by has passed, and
the bound holds in a period too; what waited already may pass others when the period begins, as raised work may, and
each such move is in history. Where the order is ``fifo`` start_by is the moment it became ready, and nothing moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from taskhub.errors import InvalidInput


class WorkingTime(Protocol):
    """Time as the queue's calendar counts it."""

    def add(self, start: datetime, budget: timedelta, /) -> datetime: ...
    def sub(self, end: datetime, budget: timedelta, /) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Ready:
    """What an order looks at. ``due_at`` is None for tasks without a promise; ``minutes``: expected, from the file."""

    ready_at: datetime
    due_at: datetime | None
    minutes: float
    priority: str
    max_wait: Mapping[str, timedelta]
    calendar: WorkingTime

    @property
    def longest_wait(self) -> datetime:
        """When a task of this priority has waited as long as it may."""
        return self.calendar.add(self.ready_at, self.max_wait[self.priority])


def urgency(task: Ready) -> datetime:
    """The last moment to begin and still be on time, or the end of the longest wait, whichever comes first."""
    last = task.longest_wait
    if task.due_at is not None:
        last = min(task.calendar.sub(task.due_at, timedelta(minutes=task.minutes)), last)
    return max(task.ready_at, last)


def due(task: Ready) -> datetime:
    """The due time; without one, the end of the longest wait."""
    return max(task.ready_at, task.due_at or task.longest_wait)


def priority(task: Ready) -> datetime:
    """The end of the longest wait, whatever the due time."""
    return task.longest_wait


def fifo(task: Ready) -> datetime:
    """The moment it became ready."""
    return task.ready_at


ORDERS: Mapping[str, Callable[[Ready], datetime]] = {"urgency": urgency, "due": due, "priority": priority, "fifo": fifo}


def start_by(
    order: str,
    *,
    ready_at: datetime,
    due_at: datetime | None,
    minutes: float,
    priority: str,
    max_wait: Mapping[str, timedelta],
    calendar: WorkingTime,
) -> datetime:
    """The instant a waiting task is ordered by; InvalidInput for an order that does not exist."""
    formula = ORDERS.get(order)
    if formula is None:
        raise InvalidInput(f"there is no order {order!r}; there are: {', '.join(ORDERS)}", order=order)
    return formula(Ready(ready_at, due_at, minutes, priority, max_wait, calendar))


def begun_by(order: str, start: datetime, ready_at: datetime, promised_by: datetime | None) -> datetime:
    """``start`` or, by urgency, when somebody is promised to have begun, whichever comes first."""
    return max(ready_at, min(start, promised_by)) if order == "urgency" and promised_by is not None else start


def put_ahead(start: datetime, ready_at: datetime, ahead: timedelta, calendar: WorkingTime) -> datetime:
    """``start`` so much business time earlier, never before the task was ready: what a period makes of it."""
    return max(ready_at, calendar.sub(start, ahead)) if ahead and start > ready_at else start
