"""Quality figures and their formulas. Pure: verdicts and counts in, figures out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from taskhub.metrics.definitions import Metric

Z = 1.959964  # 95 %

METRICS: tuple[Metric, ...] = (
    Metric("completed", "tasks", "tasks completed in the period, second looks left out; work found wrong counts too"),
    Metric("checked", "tasks", "second looks that ended right or wrong in the period"),
    Metric("right", "tasks", "of those, found right"),
    Metric("wrong", "tasks", "of those, found wrong and done again"),
    Metric("rate", "share", "right ÷ checked"),
    Metric("interval", "share", "95 % interval of the rate (Wilson): where the rate of all the work may lie"),
    Metric("looked_at", "share", "checked ÷ completed"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One second look that has ended: the kind it looked at, whose work, of which team, and what it found."""

    kind: str
    agent: str | None
    team: str | None
    right: bool


def wilson(right: int, checked: int) -> tuple[float, float] | None:
    """The 95 % interval of a share; None where nothing was looked at.

    >>> [round(end, 3) for end in wilson(8, 10)], wilson(0, 0)
    ([0.49, 0.943], None)
    """
    if checked <= 0:
        return None
    share, spread = right / checked, Z * Z / checked
    middle = (share + spread / 2) / (1 + spread)
    reach = Z * sqrt(share * (1 - share) / checked + spread / (4 * checked)) / (1 + spread)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def figures(found: Sequence[Verdict], completed: int) -> dict[str, Any]:
    """Every figure of one group; ``completed`` are its tasks that are done now."""
    right = sum(verdict.right for verdict in found)
    wrong = len(found) - right
    ends = wilson(right, len(found))
    done = completed + wrong
    return {
        "completed": done, "checked": len(found), "right": right, "wrong": wrong,
        "rate": right / len(found) if found else None,
        "interval": {"low": ends[0], "high": ends[1]} if ends else None,
        "looked_at": min(1.0, len(found) / done) if done else None,
    }  # fmt: skip


def grouped(found: Iterable[Verdict], by: str, completed: Mapping[str, int]) -> list[dict[str, Any]]:
    """Figures by ``kind`` or ``team``, by key."""
    groups: dict[str, list[Verdict]] = {key: [] for key in completed}
    for verdict in found:
        groups.setdefault(getattr(verdict, by) or "", []).append(verdict)
    return [{"key": key, **figures(groups[key], completed.get(key, 0))} for key in sorted(groups)]
