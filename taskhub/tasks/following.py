"""Clocks follow another set, queue or promise: only rows that differ are written, and what differs is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from taskhub.db.tx import Tx
from taskhub.policy.policies import Policies
from taskhub.sla import clock as sla
from taskhub.tasks import clocks, laps, store
from taskhub.tasks.clocks import Opened
from taskhub.tasks.model import PAUSED, Task

FACE = ("due_at", "warn_at")


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of following another set: columns of the task, what changed on its clocks (from, to), next look."""

    columns: dict[str, Any]
    changed: dict[str, Any]
    next_look: datetime | None


def follow(tx: Tx, row: Mapping[str, Any], was: Task, old: Policies | None = None) -> Followed:
    """A task that ``was`` under another set, queue or promise and is ``row`` now: writes the clock rows that change.

    What was counted until now stays counted by the calendar it was counted by. ``old``: the set it was under; where
    both would put the task at the same place among waiting work, it keeps the place it has.
    """
    before = clocks.row_of(was)
    ended = laps.ended(tx, before, moved=row["queue"] != was.queue)
    stored = {one.target: one for one in store.clocks(tx, was.id)}
    kept = clocks.read(tx, row, list(stored.values()), ended)
    running = [*kept, *(one for one in clocks.anew(tx, row, row["ready_at"]) if _is_new(one, stored, was))]
    shown = clocks.shown(tx, was.id, row["queue"], running)
    changed = _write(tx, shown, stored, _ran(tx, row, stored, ended))
    gone = stored.keys() - {one.name for one in running}
    store.drop_clocks(tx, was.id, sorted(gone))
    changed |= {name: {"gone": True} for name in gone}
    columns = {"due_at": shown.due_at, "sla_state": shown.state} if changed else {}
    return Followed(columns | _place(tx, {**row, **columns}, was, old), changed, shown.next_look)


def _place(tx: Tx, row: Mapping[str, Any], was: Task, old: Policies | None) -> dict[str, Any]:
    new = {"start_by": clocks.start_by(tx, row)}
    if old is None or was.queue not in old.queues:
        return new
    # With its person and its clock stopped it has no due time to be placed by; it goes back to where it was.
    held = was.state == PAUSED and row["due_at"] is None
    same = clocks.start_by(replace(tx, policies=old), clocks.row_of(was)) == new["start_by"]
    return {} if held or same else new


def _is_new(clock: sla.SlaClock, stored: Mapping[str, Any], was: Task) -> bool:
    """A promise made only now; one of the first start is none for work that has been started."""
    return clock.name not in stored and not (clock.name == "first_start" and was.started_at is not None)


def _ran(tx: Tx, row: Mapping[str, Any], stored: Mapping[str, Any], ended: laps.Stored) -> dict[str, laps.Stored]:
    calendar = tx.policies.calendar_of(row["queue"])
    return {name: laps.grown(tx, one.laps, ended, one.started_at, calendar) for name, one in stored.items()}


def _write(
    tx: Tx, shown: Opened, stored: Mapping[str, Any], ran: Mapping[str, laps.Stored]
) -> dict[str, dict[str, Any]]:
    """Writes the rows that differ from those stored. Returns what differs: target -> column -> [from, to]."""
    changed: dict[str, dict[str, Any]] = {}
    for new in shown.rows:
        old = stored.get(new["target"])
        new["laps"] = ran.get(new["target"]) or None
        differs = {n: [_plain(getattr(old, n, None)), _plain(new[n])] for n in FACE if getattr(old, n, None) != new[n]}
        if new["laps"] != (getattr(old, "laps", None) or None):
            differs["laps"] = new["laps"]
        if differs or old is None:
            store.put_clocks(tx, [new])
            changed[new["target"]] = differs
    return changed


def _plain(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
