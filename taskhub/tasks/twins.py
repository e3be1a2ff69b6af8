"""Work of two records that are one from now on: which of it is the same work twice. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from taskhub.tasks.model import IN_PROGRESS, PAUSED, Task

Key = tuple[Any, ...]


class Twin(NamedTuple):
    """Two tasks for one piece of work: ``stays`` does for both."""

    stays: Task
    goes: Task


def twins(came: Iterable[Task], there: Iterable[Task]) -> list[Twin]:
    """Open tasks that the same rule asked for once for each record, as pairs of one that came and one that was there.

    What was begun stays, else what was there. Two that were both begun are no twins: nobody's work is thrown away.
    What people asked for by hand is never the same, nor is a second look.
    """
    others = _by_key(there)
    pairs = [pair for key, mine in _by_key(came).items() for pair in zip(mine, others[key], strict=False)]
    return [Twin(new, old) if begun(new) else Twin(old, new) for new, old in pairs if not (begun(new) and begun(old))]


def begun(task: Task) -> bool:
    """Whether somebody has put their hand to it."""
    return task.started_at is not None or task.state in (IN_PROGRESS, PAUSED)


def _by_key(tasks: Iterable[Task]) -> defaultdict[Key, list[Task]]:
    found: defaultdict[Key, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda one: (one.created_at, one.id)):
        if task.is_open and task.rule is not None and task.checks is None:
            found[task.rule, task.kind, tuple(sorted(task.waits_for)), task.sla].append(task)
    return found
