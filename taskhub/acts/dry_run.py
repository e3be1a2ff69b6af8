"""What would have been different since a moment, had other policy files been active. Reads only, writes nothing.

Stored events are projected and planned once more under both sets, so a difference is one the files make. Completed work
is asked for its chained rules, open and finished tasks for their due times, stored decisions for their people. Rules
that wait for silence or for a date are not asked again, and what tasks would have led to is followed one step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from taskhub.acts import completed
from taskhub.acts.comparing import CREATED, Difference, Drafts, compare
from taskhub.assignment import passes
from taskhub.assignment.shadow import MOST as MOST_PASSES
from taskhub.assignment.shadow import Shown, asked_again
from taskhub.db.tx import Tx
from taskhub.events import service as events
from taskhub.policy.policies import Policies
from taskhub.rules.plan import plan
from taskhub.sales import service as sales
from taskhub.tasks import clocks, queries
from taskhub.tasks.model import Task

MOST = 100_000
PAGE = 500
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """A task that would be due at another time; None = no promise."""

    task: str
    kind: str
    queue: str
    title: str
    was: datetime | None
    now: datetime | None


@dataclass(slots=True)
class Findings:
    """What came out. ``as_made``: how many of the ``planned`` tasks of today's files were really made.

    ``gone``: tasks whose kind is no longer there. ``decisions``: the queues that are served otherwise, asked again.
    """

    since: datetime
    until: datetime
    events: int = 0
    completions: int = 0
    tasks: int = 0
    planned: int = 0
    as_made: int = 0
    complete: bool = True
    differences: list[Difference] = field(default_factory=list)
    due: list[Moved] = field(default_factory=list)
    gone: Counter[str] = field(default_factory=Counter)
    queues: tuple[str, ...] = ()
    decisions: Shown | None = None


def dry_run(
    tx: Tx, new: Policies, since: datetime, *, most: int = MOST, progress: Progress | None = None
) -> Findings:  # fmt: skip
    """Everything that would have been different since then under ``new``. ``most``: events, tasks, completions each."""
    found = Findings(since, tx.now)
    tell = progress or (lambda _what, _count: None)
    sides = Drafts(tx.policies), Drafts(new)
    _events(tx, new, found, sides, most)
    tell("events", found.events)
    _completions(tx, new, found, sides, most)
    tell("completions", found.completions)
    _settle(tx, found, sides[0])
    _due(tx, new, found, sides, most)
    tell("tasks", found.tasks)
    _decisions(tx, new, found)
    return found


def _events(tx: Tx, new: Policies, found: Findings, sides: tuple[Drafts, Drafts], most: int) -> None:
    replay = sales.replay(tx, found.since)
    for stored in events.understood_since(tx, found.since, most):
        if stored.event is None:
            continue
        changes, known = replay.apply(stored.event)
        plans = [
            plan(stored.event, changes, known, policies.rules, policies.kinds).drafts for policies in (tx.policies, new)
        ]
        found.differences += compare(stored.id, stored.occurred_at, *sides, plans)
        found.events += 1
    found.complete &= found.events < most


def _completions(tx: Tx, new: Policies, found: Findings, sides: tuple[Drafts, Drafts], most: int) -> None:
    then = replace(tx, policies=new)
    for task in _pages(tx, "completed_at", found.since, most):
        plans = [completed.plan_of(each, task).drafts for each in (tx, then)]
        found.differences += compare(task.id, task.completed_at or tx.now, *sides, plans)
        found.completions += 1
    found.complete &= found.completions < most


def _settle(tx: Tx, found: Findings, today: Drafts) -> None:
    """Which of these tasks are really there; one that was made before is none that would be created."""
    origins = {*today.origins, *(one.origin for one in found.differences)}
    made = queries.made_by(tx, sorted(origins))
    found.planned, found.as_made = len(today.origins), len(today.origins.keys() & made.keys())
    found.differences = [
        replace(one, task=made.get(one.origin))
        for one in found.differences
        if not (one.what == CREATED and one.origin in made)
    ]


def _due(tx: Tx, new: Policies, found: Findings, sides: tuple[Drafts, Drafts], most: int) -> None:
    then = replace(tx, policies=new)
    for task in _pages(tx, "created_at", found.since, most):
        found.tasks += 1
        if task.ready_at is None or task.explicit_due or task.queue not in tx.policies.queues:
            continue
        kind = new.kinds.get(task.kind)
        if kind is None or kind.queue not in new.queues:
            found.gone[task.kind] += 1
            continue
        row = {name: getattr(task, name) for name in Task.__slots__}
        was = clocks.due_under(tx, row)
        now = clocks.due_under(then, row | {"queue": kind.queue, "sla": _promise(task, tx.policies, new, sides[1])})
        if was != now:
            found.due.append(Moved(task.id, task.kind, kind.queue, task.title, was, now))
    found.complete &= found.tasks < most


def _promise(task: Task, today: Policies, new: Policies, files: Drafts) -> str | None:
    """The promise the task would carry: of its rule, else of its kind where it had none of its own."""
    draft = files.origins.get(task.origin or "")
    if draft is not None:
        return draft.sla
    own = today.kinds.get(task.kind)
    return new.kinds[task.kind].sla if own is not None and task.sla == own.sla else task.sla


def _decisions(tx: Tx, new: Policies, found: Findings) -> None:
    keys = [key for key in tx.policies.queues if key in new.queues]
    now = passes.in_force_now(tx, keys).queues
    then = passes.in_force_now(replace(tx, policies=new), keys).queues
    changed = {key: then[key] for key in keys if now[key] != then[key]}
    found.queues = tuple(changed)
    if changed:
        rotations = {now[key].turn_key for key in changed}
        found.decisions = asked_again(tx, changed, rotations, found.since, most=MOST_PASSES)


def _pages(tx: Tx, column: str, since: datetime, most: int) -> Iterator[Task]:
    after: tuple[datetime, str] | None = None
    while most > 0:
        rows = queries.since(tx, column, since, after, min(PAGE, most))
        if not rows:
            return
        yield from rows
        most -= len(rows)
        after = (getattr(rows[-1], column), rows[-1].id)
