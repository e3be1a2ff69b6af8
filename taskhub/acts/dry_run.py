"""What would have been different since a moment, had other policy files been active. Reads only, writes nothing.

Stored events are projected and planned once more under both sets, so a difference is one the files make. Rules that
wait are asked wherever a record fell silent, a date came near or a month began. Completed work is asked for its chained
rules: what would not have been there leads to nothing, what was never made is followed link by link, as if it had been
done without an outcome. Open and finished tasks are asked for their due times, stored decisions for their people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from taskhub.acts import completed
from taskhub.acts.comparing import CREATED, NOT_CREATED, Difference, Drafts, compare, followed
from taskhub.acts.crm_meeting import OWN_ACT
from taskhub.acts.waiting_rules import Known, WaitingRules
from taskhub.assignment import passes
from taskhub.assignment.shadow import MOST as MOST_PASSES
from taskhub.assignment.shadow import Shown, asked_again
from taskhub.calendars import months_begun
from taskhub.connectors import own_write
from taskhub.connectors.write_back.answers import OWN_TASK
from taskhub.db.tx import Tx
from taskhub.events import service as events
from taskhub.policy.policies import Policies
from taskhub.rules.model import TaskDraft
from taskhub.rules.plan import plan, plan_for_month
from taskhub.sales import service as sales
from taskhub.sales.firings.memory import Memory
from taskhub.sales.model import RecordState
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
    _months(found, sides)
    _completions(tx, new, found, sides, most)
    tell("completions", found.completions)
    _settle(tx, found, sides[0])
    found.differences += _followed(tx, sides[1], found.differences)
    _due(tx, new, found, sides, most)
    tell("tasks", found.tasks)
    _decisions(tx, new, found)
    return found


def _events(tx: Tx, new: Policies, found: Findings, sides: tuple[Drafts, Drafts], most: int) -> None:
    replay, waiting = sales.replay(tx, found.since), WaitingRules((tx.policies, new), found.since)
    memory = Memory()
    if waiting.longest is not None:
        known_before = sales.changed_since(tx, waiting.nouns, found.since - waiting.longest, most)
        waiting.were_there(known_before)
        found.complete &= len(known_before) < most
    for stored in events.understood_since(tx, found.since, most):
        if stored.event is None:
            continue
        for stood in replay.before(stored.event):
            found.differences += _waited(waiting, *stood, stored.received_at, sides)
        changes, known = replay.apply(stored.event)
        changes = memory.meet(stored.event, own_write.guarded(stored.event, changes, tx.policies.connections))
        heard = changes
        if stored.reason in (OWN_ACT, OWN_TASK):
            changes = replace(changes, reason=changes.reason or stored.reason)
        plans = [
            plan(stored.event, changes, known, one.rules, one.kinds, zone_of=one.zone_for) for one in (tx.policies, new)
        ]
        waiting.arm(plans)
        if plans[0].matched or stored.reason == OWN_ACT:
            memory.remember(stored.event, heard)
        found.differences += compare(stored.id, stored.occurred_at, *sides, [one.drafts for one in plans])
        found.events += 1
    for ref in waiting.refs:
        left = replay.standing(ref)
        found.differences += _waited(waiting, *left, found.until, sides) if left is not None else []
    found.complete &= found.events < most


def _waited(
    waiting: WaitingRules, state: RecordState, known: Known, at: datetime, sides: tuple[Drafts, Drafts]
) -> list[Difference]:
    drafts = waiting.until(state, known, at)
    asked = [one.version.at for each in drafts for one in each]
    return compare(str(state.ref), min(asked), *sides, drafts) if asked else []


def _months(found: Findings, sides: tuple[Drafts, Drafts]) -> None:
    """Months whose first working day opened; each is one cause on both sides."""
    drafts: dict[str, tuple[list[TaskDraft], list[TaskDraft]]] = {}
    for number, side in enumerate(sides):
        for rule in side.policies.rules:
            calendar = side.policies.calendar_for(rule) if rule.every else None
            for month, at in months_begun(calendar, found.since, found.until) if calendar is not None else ():
                made = plan_for_month(rule, month, at, side.policies.kinds).drafts
                drafts.setdefault(f"{month:%Y-%m}", ([], []))[number].extend(made)
    for cause, asked in sorted(drafts.items()):
        first = min((one.version.at for each in asked for one in each), default=found.until)
        found.differences += compare(cause, first, *sides, asked)


def _completions(tx: Tx, new: Policies, found: Findings, sides: tuple[Drafts, Drafts], most: int) -> None:
    then = replace(tx, policies=new)
    gone = {one.origin for one in found.differences if one.what == NOT_CREATED}
    for task in _pages(tx, "completed_at", found.since, most):
        plans = [completed.plan_of(tx, task).drafts, _plan_then(then, task, gone, sides[1])]
        differs = compare(task.id, task.completed_at or tx.now, *sides, plans)
        gone |= {one.origin for one in differs if one.what == NOT_CREATED}
        found.differences += differs
        found.completions += 1
    found.complete &= found.completions < most


def _plan_then(then: Tx, task: Task, gone: Collection[str], files: Drafts) -> Sequence[TaskDraft]:
    """What a completed task would have led to under the files: nothing, had it not been there."""
    if task.origin in gone:
        return ()
    other = files.origins.get(task.origin or "")
    return completed.plan_of(then, replace(task, kind=other.kind) if other is not None else task).drafts


def _followed(tx: Tx, files: Drafts, differences: Sequence[Difference]) -> list[Difference]:
    found: list[Difference] = []
    for one in differences:
        draft = files.origins.get(one.origin) if one.what == CREATED else None
        if draft is not None:
            links = followed(one, files, completed.plan_of_draft(tx, draft, one.at, files.policies).drafts)
            found += [*links, *_followed(tx, files, links)]
    return found


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
