"""The JSON of switches, loans, periods and previews, as clients see them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from taskhub.acts.lending import Loan
from taskhub.acts.month_end import Ahead
from taskhub.acts.staffing import SHOWN, Change
from taskhub.acts.stopping import Move
from taskhub.api import staffing_words as words
from taskhub.assignment.pools import Pool
from taskhub.calendars import format_duration
from taskhub.policy.work import Queue, Staffing
from taskhub.queues.model import Lending, Period, State, Switch, wanted


def staffing(one: Staffing) -> dict[str, Any]:
    """A model with its parameters, and the strategy."""
    return {
        "model": one.model, "params": dict(one.params), "strategy": one.strategy,
        "strategy_params": dict(one.strategy_params),
    }  # fmt: skip


def switch(one: Switch) -> dict[str, Any]:
    """A switch: what, from when, who said so and when."""
    return {
        "id": one.id,
        "queue": one.queue,
        **wanted(one),
        "effective_at": one.effective_at,
        "by": one.by,
        "at": one.at,
    }


def lending(one: Lending) -> dict[str, Any]:
    """A loan."""
    return {"id": one.id, "queue": one.queue, "agent": one.agent, "from": one.from_at, "until": one.until_at,
            "by": one.by, "at": one.at}  # fmt: skip


def period(one: Period) -> dict[str, Any]:
    """A period."""
    ahead_by = format_duration(timedelta(seconds=one.ahead_s), days=False)
    return {"id": one.id, "queue": one.queue, "from": one.from_at, "until": one.until_at, "ahead_s": one.ahead_s,
            "ahead_by": ahead_by, "by": one.by, "at": one.at}  # fmt: skip


def state(one: State, file: Queue) -> dict[str, Any]:
    """What stops a queue, and whether its file or a person says so."""
    return {
        "closed": file.closed or one.closed, "paused": file.paused or one.paused,
        "by_file": {"closed": file.closed, "paused": file.paused}, "reason": one.reason, "by": one.by, "at": one.at,
    }  # fmt: skip


def pool(one: Pool) -> list[str] | None:
    """Who is in it; None where only a worker may ask."""
    return None if one.refused is None else [key for key in one.people if key not in one.refused]


def change(found: Change, language: str) -> dict[str, Any]:
    """What a switch would do."""
    before, after = pool(found.pool_before), pool(found.pool_after)
    told: list[tuple[str, dict[str, Any]]] = []
    if after is None:
        told.append(("foreign_model", {}))
    elif not after:
        told.append(("pool_empty", {"queue": found.after.key}))
    elif found.pool_after.planned:
        told.append(("pool_planned", {}))
    both = (before or [], after or [])
    return {
        "queue": found.after.key, "effective_at": found.effective_at,
        "before": {**staffing(found.before.staffing), "pool": before},
        "after": {**staffing(found.after.staffing), "pool": after},
        "gains": sorted(set(both[1]) - set(both[0])), "loses": sorted(set(both[0]) - set(both[1])),
        "not_in_pool": dict(found.pool_after.refused or {}),
        "tasks": {"returned": _some(found.returned), "stays": _some(found.stays)},
        "warnings": words.warnings(told, language),
    }  # fmt: skip


def _some(ids: list[str]) -> dict[str, Any]:
    return {"count": len(ids), "ids": ids[:SHOWN]}


def loan(found: Loan, language: str) -> dict[str, Any]:
    """What a loan would do."""
    told = words.warnings([(one.code, one.facts) for one in found.warnings], language)
    return {"from": found.from_at, "until": found.until_at, "kinds": found.kinds, "warnings": told}


def ahead(found: Ahead, queue: str, language: str) -> dict[str, Any]:
    """What a period would do: whose work waits longer."""
    over = found.overtaken
    return {
        "from": found.from_at, "until": found.until_at, "moved": over.moved, "queues": over.queues,
        "overtaken": [{"task": id_, "queue": key, "by": count} for id_, key, count in over.tasks],
        "warnings": words.warnings([] if found.moves else [("fifo", {"queue": queue})], language),
    }  # fmt: skip


def move(found: Move) -> dict[str, Any]:
    """What was moved, what stays with whom it is, what is left for the next call."""
    return {
        "kind": found.kind.key, "to": found.to.key, "queue": found.to.queue, "moved": _some(found.moved),
        "stays": _some(found.stays), "left": found.left,
    }  # fmt: skip
