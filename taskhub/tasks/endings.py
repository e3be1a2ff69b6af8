"""What rules do to work that exists: close, complete, wake; remembered, so that order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhub.db import history
from taskhub.db.tx import SYSTEM, Tx
from taskhub.ids import digest
from taskhub.tasks import followers, pausing, rework, service, store
from taskhub.tasks.making import Made
from taskhub.tasks.model import CANCELLED, COMPLETED, OPEN, PAUSED, STATES, NewTask, Remembered, Task

VERBS = {"close": "close", "complete": "finish"}
ENDS = {"close": CANCELLED, "complete": COMPLETED}
ENDED = tuple(ENDS.values())
RULED = (*VERBS.values(), *[f"{act}_instead" for act in VERBS.values()])


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
    """Ends what is there now and remembers it for what comes later. Returns the ids of the tasks touched.

    An ending that comes late, after a newer one, takes that one's place where it would have come first.
    """
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
    states = STATES if ending.verb in VERBS else OPEN
    found = [t for t in store.of_record(tx, ending.record, ending.kinds, states) if _older(t, ending.version)]
    touched = [_end(tx, t, ending.verb, ending.reason) for t in found if t.is_open]
    _settle(tx, [t for t in found if not t.is_open])
    return touched


def _older(task: Task, version: tuple[datetime, str]) -> bool:
    made = (task.version_at, task.version_tie or "")
    return made[0] is None or (made[0], made[1]) < version


def _end(tx: Tx, task: Task, verb: str, reason: str | None) -> str:
    if verb == "wake":
        if task.state == PAUSED:
            pausing.wake(tx, task, reason or "event")
        return task.id
    service.finish(tx, task, VERBS[verb], {"outcome": reason} if reason else {})
    return task.id


def settle_late(tx: Tx, news: Sequence[NewTask], made: Made) -> None:
    """New tasks of an older change end at once when a newer change has closed them already."""
    about = sorted({name for new in news for name in _about(new)})
    # What was known already may be about something else than its newest change says.
    if made.known or (made.fresh and store.remembered(tx, about)):
        _settle(tx, store.lock_many(tx, made.ids))


def _settle(tx: Tx, found: Sequence[Task], label: str | None = None) -> None:
    """Each task ends the way it would have, had everything come in order: by the first ending it was older than.

    ``label``: who applies rules, where that is not the caller.
    """
    ruled = [task for task in found if task.origin is not None]
    remembered = store.remembered(tx, sorted({about for task in ruled for about in _about(task)})) if ruled else []
    for task in ruled:
        first = next((row for row in remembered if _meets(row, task)), None)
        if first is None:
            continue
        if task.is_open:
            _end(tx, task, first.verb, first.reason)
        elif (task.state, task.outcome) != (ENDS[first.verb], first.reason) and _by_rule(tx, task, label):
            _end_instead(tx, task, first.verb, first.reason)


def take_back(tx: Tx, records: Sequence[str], events: Collection[str]) -> list[str]:
    """What these events about these records ended is as if they had not been: open again, unless more ended it.

    What a person has done with a task since stays. Returns the ids of the tasks that are open again.
    """
    taken = store.forget(tx, records, events)
    found = {t.id: t for row in taken for t in store.of_record(tx, row.record, row.kinds, ENDED) if _ended(row, t)}
    back: list[str] = []
    for task in sorted((t for t in found.values() if t.origin is not None), key=lambda one: one.id):
        if not _by_rule(tx, task, SYSTEM.label):
            continue
        others = store.remembered(tx, _about(task))
        if any(_meets(row, task) for row in others):
            _settle(tx, [task], SYSTEM.label)
            continue
        if task.state == COMPLETED:
            followers.withdraw(tx, task.id)
        if rework.bring_back(tx, task, "undo") is not None:
            back.append(task.id)
    return back


def _about(task: Task | NewTask) -> list[str]:
    links = {"lead": task.lead, "deal": task.deal}
    named = [f"{noun}:{id_}" for noun, id_ in links.items() if id_]
    return [*named, task.record] if task.record else named


def _meets(row: Any, task: Task) -> bool:
    named = "*" in row.kinds or task.kind in row.kinds
    return named and row.record in _about(task) and _older(task, (row.version_at, row.version_tie))


def _ended(row: Remembered, task: Task) -> bool:
    return _meets(row, task) and task.state == ENDS[row.verb] and task.outcome == row.reason


def _by_rule(tx: Tx, task: Task, label: str | None = None) -> bool:
    """Whether a rule ended it. What a person has ended or taken up again stays as it is."""
    acts = [row for row in history.of(tx.conn, "task", task.id) if "state" in row["change"]]
    return bool(acts) and acts[-1]["act"] in RULED and acts[-1]["by"] == (label or tx.by.label)


def _end_instead(tx: Tx, task: Task, verb: str, reason: str | None) -> None:
    followers.withdraw(tx, task.id)
    changes = {"outcome": reason, "completed_at": None, "completed_by": None}
    service.finish(tx, task, f"{VERBS[verb]}_instead", changes)
