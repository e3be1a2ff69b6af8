"""Same hands: whoever served this customer last, for as long as ``wait`` allows; then the fallback strategy.

While the time since the task became ready is within ``wait`` and that person is in the pool but not free, the task
waits for them; nobody else gets it. Without ``wait`` it does not wait: they go first when they are free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from taskhub.assignment.model import Instant, QueueFacts, Score, TaskFacts
from taskhub.assignment.params import choice, unknown
from taskhub.assignment.seams import Complaint, PlainStrategy, Strategy
from taskhub.assignment.standing import Standing
from taskhub.assignment.strategies.best_skill import best_skill
from taskhub.assignment.strategies.expected_work import expected_work
from taskhub.assignment.strategies.fairness import fairness
from taskhub.assignment.strategies.least_loaded import least_loaded
from taskhub.assignment.strategies.longest_idle import longest_idle
from taskhub.assignment.strategies.round_robin import round_robin
from taskhub.calendars.durations import parse_duration
from taskhub.tasks.shape import Shape

_ABLE: tuple[Strategy, ...] = (least_loaded, round_robin, expected_work, longest_idle, best_skill, fairness)
FALLBACKS: Mapping[str, Strategy] = {one.name: one for one in _ABLE}
DAY = timedelta(days=1)


class Sticky(PlainStrategy):
    """``wait``: how long a task waits, real time ("30m", default none); ``fallback``: default least_loaded."""

    name = "sticky"
    version = "1"
    parts: tuple[str, ...] = least_loaded.parts

    def ranking(self, queue: QueueFacts) -> Strategy:
        return FALLBACKS[queue.strategy_params.get("fallback", "least_loaded")]

    def key(self, who: Standing, shape: Shape, queue: QueueFacts) -> Score:
        return self.ranking(queue).key(who, shape, queue)

    def next_turn(self, own: int, end: int, who: Standing, queue: QueueFacts) -> int:
        return self.ranking(queue).next_turn(own, end, who, queue)

    def favourite(self, task: TaskFacts, queue: QueueFacts) -> str | None:
        return task.served_by

    def patient(self, task: TaskFacts, queue: QueueFacts, now: Instant) -> bool:
        """Whether the wait is not over yet.

        >>> from datetime import UTC, datetime
        >>> ten = datetime(2026, 11, 23, 10, tzinfo=UTC)
        >>> task = TaskFacts("t", Shape("desk", "offer", "offer"), ten, ten, ready_at=ten)
        >>> desk = QueueFacts("desk", ("red",), strategy_params={"wait": "30m"})
        >>> [sticky.patient(task, desk, ten + timedelta(minutes=after)) for after in (0, 29, 30)]
        [True, True, False]
        """
        ends = self.patience_ends(task, queue)
        return ends is not None and now < ends

    def patience_ends(self, task: TaskFacts, queue: QueueFacts) -> Instant | None:
        wait = queue.strategy_params.get("wait")
        return None if wait is None else (task.ready_at or task.created_at) + parse_duration(wait)

    def check(self, params: Mapping[str, Any]) -> Iterator[Complaint]:
        yield from unknown(self.name, params, ("wait", "fallback"))
        yield from choice(params, "fallback", tuple(FALLBACKS))
        if "wait" in params and not _is_wait(params["wait"]):
            yield "wait", f'must be a duration above 0 and at most 24h such as "30m", not {params["wait"]!r}'


def _is_wait(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return timedelta(0) < parse_duration(value) <= DAY
    except (ValueError, OverflowError):
        return False


sticky = Sticky()
