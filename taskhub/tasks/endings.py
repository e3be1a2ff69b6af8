"""What rules do to work that exists: close, complete, wake; remembered, so that order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from taskhub.db.tx import Tx
from taskhub.ids import digest
from taskhub.tasks import service, store, timers
from taskhub.tasks.model import PAUSED, Task

VERBS = {"close": "close", "complete": "finish"}


@dataclass(frozen=True, slots=True)
class Ending:
    """``verb`` close, complete or wake on tasks of ``record`` that changes older than ``version`` made."""

    verb: str
    record: str
    kinds: tuple[str, ...]
    version: tuple[datetime, str]
    rule: str
    reason: str | None = None
    event: str | None = None


def apply(tx: Tx, endings: Sequence[Ending]) -> list[str]:
    """Ends what is there now and remembers it for what comes later. Returns the ids of the tasks touched."""
    return [task_id for ending in endings for task_id in _apply(tx, ending)]


def _apply(tx: Tx, ending: Ending) -> list[str]:
    if ending.verb in VERBS:
        at, tie = ending.version
        values = {
            "origin": digest(ending.verb, ending.rule, ending.record, at.isoformat(), tie), "record": ending.record,
            "verb": ending.verb, "kinds": list(ending.kinds), "reason": ending.reason, "version_at": at,
            "version_tie": tie, "event": ending.event,
        }  # fmt: skip
        if not store.remember(tx, values):
            return []
    hit = [t for t in store.of_record(tx, ending.record, ending.kinds) if _older(t, ending.version)]
    return [_end(tx, task, ending.verb, ending.reason) for task in hit]


def _older(task: Task, version: tuple[datetime, str]) -> bool:
    made = (task.version_at, task.version_tie or "")
    return made[0] is None or (made[0], made[1]) < version


def _end(tx: Tx, task: Task, verb: str, reason: str | None) -> str:
    if verb == "wake":
        if task.state == PAUSED:
            timers.wake(tx, task, reason or "event")
        return task.id
    service.finish(tx, task, VERBS[verb], {"outcome": reason} if reason else {})
    return task.id


def settle_late(tx: Tx, task_ids: Sequence[str]) -> None:
    """New tasks of an older change end at once when a newer change has closed them already."""
    for task in store.lock_many(tx, task_ids):
        records = [task.record, f"lead:{task.lead}", f"deal:{task.deal}"]
        for row in store.remembered(tx, [r for r in records if r]) if task.is_open else ():
            named = "*" in row.kinds or task.kind in row.kinds
            if named and task.origin is not None and _older(task, (row.version_at, row.version_tie)):
                _end(tx, task, row.verb, row.reason)
                break
