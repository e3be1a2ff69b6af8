"""Who held what when, by history and by what people were told: no two at once, nothing under a dead token.

A stint is the time a task was in progress with one person, as history says it. Each note of a hold must be one stint;
each write that was said to be done must lie inside the stint of its token.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select

from taskhub.db.tables import history, task
from tests.faults.night import Hold, Wrote

SLACK = timedelta(milliseconds=50)  # clocks of processes are read a moment apart
IN_PROGRESS, PAUSED = "in_progress", "paused"
SYSTEM = "worker"


@dataclass(frozen=True, slots=True)
class Step:
    """One history row of a task."""

    seq: int
    at: datetime
    by: str
    act: str
    change: dict[str, Any]


@dataclass(slots=True)
class Stint:
    """``end`` is the row that ended it; None while it goes on."""

    task: str
    agent: str
    begin: Step
    end: Step | None = None


@dataclass
class Verdict:
    """``returned`` are seconds from the end of a lease to the task being offered again."""

    double: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    passed_on: list[str] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)


def steps_of(conn: Connection) -> dict[str, list[Step]]:
    """The history of every task, oldest first."""
    chosen = select(history.c.id, history.c.seq, history.c.at, history.c.by, history.c.act, history.c.change)
    found: dict[str, list[Step]] = defaultdict(list)
    for id_, *row in conn.execute(chosen.where(history.c.noun == "task").order_by(history.c.id, history.c.seq)):
        found[id_].append(Step(*row))
    return found


def stints(task_id: str, steps: Iterable[Step]) -> Iterator[Stint]:
    """The stints of one task; one that begins while another goes on leaves that one without an end."""
    open_: Stint | None = None
    agent = ""
    for step in steps:
        agent = step.change.get("agent", agent) or ""
        state = step.change.get("state")
        if state is None:
            continue
        if open_ is not None and step.change.get("from") == IN_PROGRESS:
            open_.end = step
        if open_ is not None and (open_.end is not None or state == IN_PROGRESS):
            yield open_
            open_ = None
        if state == IN_PROGRESS:
            open_ = Stint(task_id, agent, step)
    if open_ is not None:
        yield open_


def judge(conn: Connection, holds: Sequence[Hold], writes: Sequence[Wrote], hold_queues: Collection[str]) -> Verdict:
    """Everything that can be told of holds, read from the database."""
    queues: dict[str, str] = dict(conn.execute(select(task.c.id, task.c.queue)).all())
    return told(steps_of(conn), queues, holds, writes, hold_queues)


def told(
    steps: Mapping[str, Sequence[Step]], queues: Mapping[str, str], holds: Sequence[Hold], writes: Sequence[Wrote],
    hold_queues: Collection[str],
) -> Verdict:  # fmt: skip
    """The same from values: ``steps`` by task, ``queues`` of the tasks, the notes, and which queues hold."""
    all_stints = {id_: list(stints(id_, rows)) for id_, rows in steps.items()}
    verdict = Verdict(double=list(_overlaps(all_stints)))
    by_token: dict[int, tuple[Hold, Stint]] = {}
    for one in _by_task(holds).values():
        verdict.double += _match(sorted(one, key=lambda hold: hold.token), all_stints, by_token)
    verdict.stale = [said for write in writes if write.accepted for said in _stale(write, by_token)]
    verdict.passed_on = list(_passed_on(steps, queues, hold_queues))
    verdict.returned = [
        (stint.end.at - hold.expires_at).total_seconds()
        for hold, stint in by_token.values()
        if stint.end is not None and stint.end.act == "expire"
    ]
    return verdict


def _by_task(holds: Iterable[Hold]) -> dict[str, list[Hold]]:
    found: dict[str, list[Hold]] = defaultdict(list)
    for hold in holds:
        found[hold.task].append(hold)
    return found


def _overlaps(all_stints: dict[str, list[Stint]]) -> Iterator[str]:
    for id_, found in all_stints.items():
        for first, second in pairwise(found):
            if first.end is None or first.end.seq > second.begin.seq:
                yield f"task {id_} was held by {first.agent} and {second.agent} at once (rows {first.begin.seq}…)"


def _match(
    holds: Sequence[Hold], all_stints: dict[str, list[Stint]], by_token: dict[int, tuple[Hold, Stint]]
) -> Iterator[str]:
    """In the order of their tokens the holds of a task must be stints in the order of history."""
    last = 0
    for hold in holds:
        found = next((s for s in all_stints.get(hold.task, ()) if _is(hold, s)), None)
        if found is None:
            yield f"history knows nothing of token {hold.token}: {hold.agent} was told to hold {hold.task}"
        elif found.begin.seq <= last:
            yield f"token {hold.token} of task {hold.task} did not grow"
        else:
            last = found.begin.seq
            by_token[hold.token] = hold, found


def _is(hold: Hold, stint: Stint) -> bool:
    return stint.agent == hold.agent and hold.asked_at - SLACK <= stint.begin.at <= hold.told_at + SLACK


def _stale(write: Wrote, by_token: dict[int, tuple[Hold, Stint]]) -> Iterator[str]:
    known = by_token.get(write.token)
    if known is None:
        return  # told by _match already
    end = known[1].end
    said = f"{write.act} of task {write.task} by {write.agent} under token {write.token} was accepted"
    if write.act == "renew":
        if end is not None and end.at < write.asked_at - SLACK:
            yield f"{said} after {end.act} had ended the hold"
    elif end is None or end.act != write.act or end.by != f"agent:{write.agent}":
        yield f"{said}, but the hold {'goes on' if end is None else f'was ended by {end.act} of {end.by}'}"


def _passed_on(
    steps: Mapping[str, Sequence[Step]], queues: Mapping[str, str], hold_queues: Collection[str]
) -> Iterator[str]:
    """Started work of a queue that holds, taken from its person by nobody's act."""
    for id_, rows in steps.items():
        if queues.get(id_) not in hold_queues:
            continue
        for step in rows:
            started = step.change.get("from") in (IN_PROGRESS, PAUSED)
            if started and step.by == SYSTEM and step.change.get("agent", id_) is None:
                yield f"task {id_} was taken from its person by {step.act}"
