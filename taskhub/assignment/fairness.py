"""The fairness ledger: what each person did on a date of their own zone, and what part of a quarter they were there.

Work is written down when it is done, on the date on which it was given; until then it counts as work in hand, read from
the tasks themselves. So a task that was declined, handed on or withdrawn leaves no trace with the person who lost it.
``hard`` is a task of level HARD_LEVEL or above, or one that weighs more than its kind does; ``late`` one that was given
outside DAY of the person's own zone. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from taskhub.policy.work import Kind

HARD_LEVEL = 4
DAY = (8, 18)
QUARTER = timedelta(days=91)
FULL_TIME = 40.0
LEAST_CREDIT = 0.02
VARIETY_SPAN = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Share:
    """What one task adds to its person's ledger, on the local date ``on``."""

    on: str
    minutes: float
    hard: int
    late: int
    tasks: int = 1


def share_of(task: Any, kind: Kind | None, minutes: float, zone: tzinfo) -> Share:
    """The part of a task with ``given_at``, ``level`` and ``weight``; ``kind`` is what its file says of its kind."""
    local = task.given_at.astimezone(zone)
    heavy = kind is not None and task.weight > kind.weight
    hard = task.level >= HARD_LEVEL or heavy
    return Share(local.date().isoformat(), minutes, int(hard), int(not DAY[0] <= local.hour < DAY[1]))


def added(sums: Mapping[str, float], share: Share) -> dict[str, float]:
    """Ledger figures with one more task.

    >>> added({"minutes": 10.0}, Share("2026-01-05", 5.0, 1, 0))
    {'minutes': 15.0, 'tasks': 1.0, 'hard': 1.0, 'late': 0.0}
    """
    more = {"tasks": share.tasks, "minutes": share.minutes, "hard": share.hard, "late": share.late}
    return {**sums, **{name: float(sums.get(name, 0.0) + value) for name, value in more.items()}}


def credit(
    hours_per_week: float | None, away: Iterable[tuple[datetime, datetime]], came: datetime | None, now: datetime
) -> float:
    """The part of a full-time quarter this person was there: hours a week, times away, and since when they are here.

    >>> from datetime import UTC
    >>> now = datetime(2026, 4, 1, tzinfo=UTC)
    >>> credit(20, [], None, now), credit(None, [(now - QUARTER / 2, now)], None, now)
    (0.5, 0.5)
    """
    begin = max(now - QUARTER, came) if came is not None else now - QUARTER
    there = now - begin - _covered(away, begin, now)
    part = (FULL_TIME if hours_per_week is None else hours_per_week) / FULL_TIME
    return max(LEAST_CREDIT, part * (there / QUARTER))


def _covered(spans: Iterable[tuple[datetime, datetime]], begin: datetime, end: datetime) -> timedelta:
    """Time inside [begin, end) that the spans cover, overlaps counted once."""
    covered, reached = timedelta(), begin
    for since, until in sorted(spans):
        first, last = max(since, reached), min(until, end)
        if last > first:
            covered += last - first
            reached = last
    return covered


def variety(counts: Mapping[str, int]) -> float:
    """The effective number of kinds (inverse Simpson): 1 for always the same, n for n kinds in equal parts; 0 for none.

    >>> variety({"a": 5, "b": 5}), variety({"a": 9}), round(variety({"a": 9, "b": 1}), 2), variety({})
    (2.0, 1.0, 1.22, 0.0)
    """
    total = sum(counts.values())
    return total * total / sum(count * count for count in counts.values()) if total else 0.0
