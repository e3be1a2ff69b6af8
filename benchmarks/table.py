"""One line a figure: ours, the baseline of the same run, their ratio round by round, and the bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """``ours`` and ``theirs`` are paired rounds. ``least``/``most`` bound the ratio, ``floor``/``ceiling`` ours."""

    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    least: float | None = None
    most: float | None = None
    floor: float | None = None
    ceiling: float | None = None

    @property
    def ratio(self) -> float | None:
        """The median over the pairs of rounds."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True)) if self.theirs else None

    @property
    def spread(self) -> str:
        """The ratio, and between which it lay in the single pairs."""
        if self.ratio is None:
            return ""
        each = [a / b for a, b in zip(self.ours, self.theirs, strict=True)]
        return f"{_number(self.ratio)} ({_number(min(each))} to {_number(max(each))})"

    @property
    def holds(self) -> bool | None:
        """Whether every bar is met; None without one."""
        mine, ratio = median(self.ours), self.ratio or 0.0
        bars = [
            None if self.least is None else ratio >= self.least,
            None if self.most is None else ratio <= self.most,
            None if self.floor is None else mine >= self.floor,
            None if self.ceiling is None else mine <= self.ceiling,
        ]
        known = [bar for bar in bars if bar is not None]
        return all(known) if known else None

    @property
    def bar(self) -> str:
        """The bars in words."""
        parts = [("ratio ≥", self.least), ("ratio ≤", self.most), ("≥", self.floor), ("≤", self.ceiling)]
        return ", ".join(f"{sign} {value:g}" for sign, value in parts if value is not None)


HEAD = ("figure", "unit", "ours", "baseline", "ratio (lowest to highest)", "bar", "holds")


def markdown(figures: Iterable[Figure]) -> str:
    """The table."""
    rows = [HEAD, tuple("---" for _ in HEAD), *map(_cells, figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def facts(one: Figure) -> dict[str, Any]:
    """The figure for programs: every round, the ratio, the bars, whether they hold."""
    return {
        **asdict(one), "ours": list(one.ours), "theirs": list(one.theirs), "ratio": one.ratio, "bar": one.bar,
        "holds": one.holds,
    }  # fmt: skip


def _cells(one: Figure) -> tuple[str, ...]:
    theirs = _number(median(one.theirs)) if one.theirs else ""
    holds = {None: "", True: "yes", False: "**no**"}[one.holds]
    return one.name, one.unit, _number(median(one.ours)), theirs, one.spread, one.bar, holds


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
