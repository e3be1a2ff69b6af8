"""How a person, a team, a department moves leads and deals along: funnel, rates, time per stage. Pure.

A record counts for whoever owns it today. ``entered``: records that came to a stage in the period, each once however
often it went back and forth; won, converted and lost: how it ended last in the period. A stay counts in the period in
which it ended, by another stage or by the end of the path.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from statistics import mean, median
from typing import Any, NamedTuple

from taskhub.policy.policies import Pipeline
from taskhub.sales.model import CONVERTED, LOST, WON
from taskhub.sales.money import total

HOUR = timedelta(hours=1)
GAINED = {"lead": CONVERTED, "deal": WON}
OTHER = "other"  # stages and pipelines that no file names


class Move(NamedTuple):
    """What one event said of a record's way; None where it said nothing."""

    record: str
    at: datetime
    type: str
    stage: str | None
    status: str | None


class Facts(NamedTuple):
    """What is known today of a record that moved."""

    pipeline: str | None
    amount: Any
    currency: str | None
    lost_reason: str | None


class Standing(NamedTuple):
    """Open records of one pipeline and stage today."""

    pipeline: str | None
    stage: str | None
    records: int


@dataclass
class _Line:
    created: set[str] = field(default_factory=set)
    gained: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    entered: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stays: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    standing: Counter[str] = field(default_factory=Counter)


def report(
    noun: str, lines: Sequence[Pipeline], moves: Iterable[Move], facts: Mapping[str, Facts],
    standing: Iterable[Standing], since: datetime,
) -> list[dict[str, Any]]:  # fmt: skip
    """One entry per pipeline of ``noun``; ``moves`` go up to the end of the period, in order of record and time."""
    found: dict[str, _Line] = defaultdict(_Line)
    known = {line.key: line for line in lines if line.noun == noun}
    for record, its in groupby(moves, key=lambda move: move.record):
        if record in facts:
            named = facts[record].pipeline
            _walk(noun, found[named if named in known else OTHER], list(its), since)
    for row in standing:
        found[row.pipeline if row.pipeline in known else OTHER].standing[row.stage or OTHER] += row.records
    order = [*known, *(key for key in found if key not in known)]
    return [_told(noun, key, known.get(key), found[key], facts) for key in order]


def _walk(noun: str, line: _Line, moves: Sequence[Move], since: datetime) -> None:
    stage, came_at = None, None
    for move in moves:
        inside = move.at >= since
        ends = move.status in (WON, LOST, CONVERTED)
        if stage is not None and came_at is not None and (ends or move.stage not in (None, stage)):
            if inside:
                line.stays[stage].append((move.at - came_at) / HOUR)
            came_at = None
        if move.stage is not None and (move.stage != stage or came_at is None):
            stage, came_at = move.stage, None if ends else move.at
            if inside:
                line.entered[stage].add(move.record)
        elif move.status == "open" and came_at is None:
            came_at = move.at
    _count(noun, line, [move for move in moves if move.at >= since])


def _count(noun: str, line: _Line, moves: Sequence[Move]) -> None:
    """A record counts with how it ended last: a conversion that was taken back is none."""
    created = [move for move in moves if move.type == f"{noun}.created"]
    line.created.update(move.record for move in created)
    last = next((move for move in reversed(moves) if move.status is not None), None)
    if last is not None and last.status == GAINED[noun]:
        line.gained.add(last.record)
    elif last is not None and last.status == LOST:
        line.lost.add(last.record)


def _told(noun: str, key: str, line: Pipeline | None, found: _Line, facts: Mapping[str, Facts]) -> dict[str, Any]:
    stages = [stage.key for stage in line.stages] if line else []
    stages += sorted({*found.entered, *found.standing} - set(stages))
    gained, lost = len(found.gained), len(found.lost)
    return {
        "pipeline": key, "noun": noun, "created": len(found.created), GAINED[noun]: gained, "lost": lost,
        "rate": round(gained / (gained + lost), 4) if gained + lost else None,
        "amounts": _amounts(found.gained, facts),
        "lost_reasons": dict(Counter(facts[id_].lost_reason or OTHER for id_ in sorted(found.lost)).most_common()),
        "open": found.standing.total(),
        "stages": [_stage(stage, found) for stage in stages],
    }  # fmt: skip


def _stage(stage: str, found: _Line) -> dict[str, Any]:
    hours = found.stays.get(stage, [])
    return {
        "stage": stage, "entered": len(found.entered.get(stage, ())), "left": len(hours),
        "mean_hours": round(mean(hours), 3) if hours else None,
        "median_hours": round(median(hours), 3) if hours else None,
        "now": found.standing[stage],
    }  # fmt: skip


def _amounts(records: Iterable[str], facts: Mapping[str, Facts]) -> dict[str, str]:
    """Exact sums, one per currency: what is in different currencies is not added up."""
    by: dict[str, list[Any]] = defaultdict(list)
    for id_ in records:
        if facts[id_].amount is not None:
            by[facts[id_].currency or ""].append(facts[id_].amount)
    return {currency: total(values, currency) for currency, values in sorted(by.items())}
