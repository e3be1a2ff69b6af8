"""By which calendars the clocks of a task ran before the one in force. What was counted by them stays counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from taskhub.calendars import BusinessTime, Spliced, agree
from taskhub.db import policy_set
from taskhub.db.tx import Tx
from taskhub.sla.clock import Lap

Stored = list[list[str]]  # [until, policy set, calendar] of each, in order


def read(tx: Tx, stored: Sequence[Sequence[str]] | None) -> tuple[Lap, ...]:
    """Laps with their calendars; what a set no longer tells is left to the calendar in force."""
    found = ((until, tx.accepted(hash_), calendar) for until, hash_, calendar in stored or ())
    return tuple(
        Lap(datetime.fromisoformat(until), set_.calendars[calendar])
        for until, set_, calendar in found
        if set_ is not None and calendar in set_.calendars
    )


def ended(tx: Tx, was: Mapping[str, Any], *, moved: bool = False) -> Stored:
    """The laps that ended for a task as it ``was``: when another set became active, and now when its queue changes."""
    found: Stored = []
    if was["policy_hash"] != tx.policies.hash:
        found += _lap(tx, was, was["policy_hash"], min(_active_since(tx), tx.now))
    if moved:
        found += _lap(tx, was, tx.policies.hash, tx.now)
    return found


def grown(
    tx: Tx, stored: Sequence[Sequence[str]] | None, ended_: Stored, started_at: datetime, calendar: BusinessTime
) -> Stored:
    """``stored`` and those of ``ended_`` that counted something else than ``calendar``, now in force, would have."""
    known = [list(lap) for lap in stored or ()]
    ends = [started_at, *(datetime.fromisoformat(lap[0]) for lap in (*known, *ended_))]
    kept: Stored = []
    for index in reversed(range(len(ended_))):
        for lap in read(tx, ended_[index : index + 1]):
            if not agree(lap.calendar, calendar, ends[len(known) + index], lap.until):
                kept.insert(0, ended_[index])
                calendar = Spliced(lap.calendar, lap.until, calendar)
    return known + kept


def _lap(tx: Tx, was: Mapping[str, Any], hash_: str, until: datetime) -> Stored:
    set_ = tx.policies if hash_ == tx.policies.hash else tx.accepted(hash_)
    queue = set_.queues.get(was["queue"]) if set_ is not None else None
    return [[until.isoformat(), hash_, queue.calendar]] if queue is not None else []


def _active_since(tx: Tx) -> datetime:
    """A set that was never active, such as one that is only tried, would be from now on."""
    name = f"active_since {tx.policies.hash}"
    if name not in tx.lookups:
        tx.lookups[name] = policy_set.active_since(tx.conn, tx.policies.hash) or tx.now
    return tx.lookups[name]  # type: ignore[no-any-return]
