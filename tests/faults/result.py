"""What came of one run, and the table of a campaign."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HELD, WRONG, NOT_RUN = "held", "WRONG", "not run"
COLUMNS = ("fault", "runs", "events", "kills", "crashes", "lost", "twice", "double holds", "stale writes", "passed on",
           "redo p99 s", "returned p99 s", "settled s", "verdict")  # fmt: skip


@dataclass
class Result:
    """One run of one fault; ``wrong`` is empty when everything held, ``skipped`` says why it was not run.

    kills: real SIGKILLs · crashes: forked children that died at a failpoint · redo: seconds from a kill to the next
    try of a row the dead process held · returned: from the end of a lease in a ``return`` queue to its next offer ·
    passed_on: started work of a ``hold`` queue that went to somebody else by nobody's act.
    """

    fault: str
    seed: int
    events: int = 0
    kills: int = 0
    crashes: int = 0
    strikes: int = 0
    lost: int = 0
    duplicates: int = 0
    double_holds: int = 0
    stale_writes: int = 0
    passed_on: int = 0
    redone: int = 0
    redo: list[float] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)
    settled: float = 0.0
    took: float = 0.0
    slowest: float = 0.0
    answers: Counter[int] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    passed: set[str] = field(default_factory=set)
    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """In one word or two."""
        return NOT_RUN if self.skipped else WRONG if self.wrong else HELD

    def __str__(self) -> str:
        told = f"{self.fault}, seed {self.seed}: {self.verdict}"
        if self.skipped:
            return f"{told}: {self.skipped}"
        figures = "".join(f", {name} {value:g}" for name, value in self.figures.items())
        line = (
            f"{told} in {self.took:.0f} s: {self.events} events, {self.strikes} strikes, {self.kills} kills, "
            f"{self.crashes} crashes, at rest {self.settled:.1f} s after, {self.redone} rows ran again, slowest answer "
            f"{self.slowest:.1f} s, answers {dict(sorted(self.answers.items()))}{figures}"
        )
        return "\n".join([line, *(f"  WRONG {one}" for one in self.wrong)])


def p99(values: Sequence[float]) -> float | None:
    """The value 99 in 100 stay within; None without any.

    >>> p99([1.0, 3.0, 2.0])
    3.0
    """
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))] if values else None


def table(results: Iterable[Result]) -> str:
    """One line for each fault, and the totals."""
    by_fault: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        by_fault[one.fault].append(one)
    rows = [COLUMNS, *(_row(name, found) for name, found in by_fault.items())]
    every = [one for found in by_fault.values() for one in found]
    rows.append(_row("all", every))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _row(name: str, found: Sequence[Result]) -> tuple[str, ...]:
    ran = [one for one in found if not one.skipped]
    redo = p99([value for one in ran for value in one.redo])
    returned = p99([value for one in ran for value in one.returned])
    verdicts = Counter(one.verdict for one in found)
    counts = ("events", "kills", "crashes", "lost", "duplicates", "double_holds", "stale_writes", "passed_on")
    sums = [sum(getattr(one, what) for one in ran) for what in counts]
    settled = max((one.settled for one in ran), default=0.0)
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return (
        name, str(len(ran)), *map(str, sums), "-" if redo is None else f"{redo:.2f}",
        "-" if returned is None else f"{returned:.2f}", f"{settled:.1f}", said,
    )  # fmt: skip


def as_json(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Everything, for a file."""
    return [_plain(one) for one in results]


def _plain(one: Result) -> dict[str, Any]:
    answers = {str(status): count for status, count in one.answers.items()}
    return {
        **asdict(one),
        "answers": answers,
        "struck": dict(one.struck),
        "passed": sorted(one.passed),
        "verdict": one.verdict,
    }


def write(file: Path, results: Iterable[Result]) -> None:
    """Writes ``as_json``."""
    file.write_text(json.dumps(as_json(results), indent=1), "utf-8")
