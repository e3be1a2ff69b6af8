"""Figures of people and their formulas. Pure: what was done in, figures out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from taskhub.assignment.fairness import variety
from taskhub.metrics.definitions import Metric

# Below it, who knows their own figure could work out a colleague's from the middle one.
LEAST_PEOPLE = 4
LEDGER = ("tasks", "minutes", "hard", "late", "duty")

METRICS: tuple[Metric, ...] = (
    Metric("completed", "tasks", "tasks completed in the period"),
    Metric("hands_on_minutes", "minutes", "time in progress with this person, of tasks completed in the period"),
    Metric("variety", "kinds", "effective number of kinds: 1 ÷ sum of the squared shares of each kind completed"),
    Metric("share_today", "share", "tasks given to this person today ÷ tasks given to their team today"),
    Metric("even_share", "share", "1 ÷ active people of the team"),
    Metric("overdue", "tasks", "open tasks with this person that are past their due time now"),
    Metric("met_late", "tasks", "tasks completed in the period after their due time"),
    Metric("missed_offers", "tasks", "offers in the period not started within the queue's accept_for"),
    Metric("missed_in_a_row", "tasks", "of these the last ones in a row: since this person started an offer"),
    Metric("fairness", "ledger", "sums of the last 91 days; team_median only where the team has 4 people or more"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """What one person did in a period, and how they stand now."""

    kinds: Mapping[str, int] = field(default_factory=dict)
    minutes: float = 0.0
    met_late: int = 0
    overdue: int = 0
    given_today: int = 0
    ledger: Mapping[str, float] = field(default_factory=dict)
    missed: int = 0

    @property
    def completed(self) -> int:
        """Tasks of every kind."""
        return sum(self.kinds.values())


def of_person(key: str, works: Mapping[str, Work]) -> dict[str, Any]:
    """The figures of ``key``; ``works`` holds everybody active in the team."""
    mine = works.get(key, Work())
    given = sum(work.given_today for work in works.values())
    return {
        "completed": mine.completed, "by_kind": dict(sorted(mine.kinds.items())),
        "hands_on_minutes": round(mine.minutes, 1), "variety": round(variety(mine.kinds), 3),
        "share_today": mine.given_today / given if given else None, "even_share": 1 / len(works) if works else None,
        "overdue": mine.overdue, "met_late": mine.met_late, "missed_offers": mine.missed,
        "fairness": {name: _beside(name, mine, works.values()) for name in LEDGER},
    }  # fmt: skip


def _beside(name: str, mine: Work, team: Collection[Work]) -> dict[str, float | None]:
    values = [float(work.ledger.get(name, 0)) for work in team]
    middle = median(values) if len(values) >= LEAST_PEOPLE else None
    return {"own": float(mine.ledger.get(name, 0)), "team_median": middle}


def of_team(works: Sequence[Work]) -> dict[str, Any]:
    """The figures of a team: sums, and how they spread where nobody can be made out."""
    kinds: dict[str, int] = {}
    for work in works:
        for kind, count in work.kinds.items():
            kinds[kind] = kinds.get(kind, 0) + count
    return {
        "people": len(works), "completed": sum(kinds.values()), "by_kind": dict(sorted(kinds.items())),
        "hands_on_minutes": round(sum(work.minutes for work in works), 1),
        "variety": _spread([variety(work.kinds) for work in works]),
        "overdue": sum(work.overdue for work in works), "met_late": sum(work.met_late for work in works),
        "fairness": {name: _spread([float(work.ledger.get(name, 0)) for work in works]) for name in LEDGER},
    }  # fmt: skip


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """Least, middle and most, without saying whose.

    >>> _spread([1.0, 2.0, 3.0]) is None, _spread([1.0, 2.0, 3.0, 6.0])
    (True, {'least': 1.0, 'median': 2.5, 'most': 6.0})
    """
    if len(values) < LEAST_PEOPLE:
        return None
    return {"least": min(values), "median": median(values), "most": max(values)}
