"""What another way of staffing a queue would have done since a moment, on the decisions that are on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from taskhub.assignment import claim, serving, shadowing
from taskhub.assignment.foreign.wrappers import ForeignModel
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import QueueFacts
from taskhub.assignment.past_pools import Setting
from taskhub.assignment.queries import past
from taskhub.assignment.queries.past import StoredPass
from taskhub.assignment.record import read_block
from taskhub.assignment.redecide import NotRerunnable
from taskhub.assignment.registry import NotInstalled
from taskhub.assignment.shadowing import UNKNOWN, VERDICTS, Asked, Shadow
from taskhub.db.tx import Tx
from taskhub.errors import InvalidInput
from taskhub.policy.work import Queue, Staffing

MOST = 20_000
EXAMPLES = 5
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Shown:
    """What came out for the queues asked about. ``people``: key -> (really got, would have got).

    ``verdicts`` counts the decisions, ``reasons`` why tasks would have waited, ``unknown`` why a record did not answer.
    ``examples`` are some of each verdict but same. ``complete`` False: only the newest ``most`` passes were asked, from
    ``since`` on.
    """

    since: datetime
    until: datetime
    complete: bool = True
    verdicts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(VERDICTS, 0)))
    people: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Asked]] = field(default_factory=dict)

    @property
    def decisions(self) -> int:
        """How many decisions were asked."""
        return sum(self.verdicts.values())

    def count(self, one: Asked) -> None:
        """Takes one more decision into account."""
        self.verdicts[one.verdict] += 1
        if one.now is None:
            self.reasons.update(one.reasons)
        known = one.verdict != UNKNOWN
        # A task it had given before is no second gift.
        later = one.verdict == shadowing.GIVEN_BEFORE
        for who, column in ((one.was, 0), (None if later or not known else one.now, 1)):
            if who is not None:
                got = list(self.people.get(who, (0, 0)))
                got[column] += 1
                self.people[who] = (got[0], got[1])
        shown = self.examples.setdefault(one.verdict, [])
        if one.verdict != shadowing.SAME and len(shown) < EXAMPLES:
            shown.append(one)


def shadow(
    tx: Tx, queue: str, staffing: Staffing, since: datetime, *, most: int = MOST, progress: Progress | None = None
) -> Shown:
    """Asks every decision about ``queue`` since then again under ``staffing``. Writes nothing.

    Raises InvalidInput for an unknown queue, model, strategy or parameter, and for a ``since`` that lies ahead.
    """
    found = asked_of(tx, queue, staffing)
    served = {queue: serving.served(found, plugins(), switch=staffing)}
    return asked_again(tx, served, {found.turn_key}, since, most=most, progress=progress, staffing_only=True)


def asked_of(tx: Tx, queue: str, staffing: Staffing) -> Queue:
    """The queue, if such a staffing of it can be asked about. Raises what ``shadow`` raises."""
    found = tx.policies.queues.get(queue)
    if found is None:
        known = ", ".join(sorted(tx.policies.queues))
        raise InvalidInput(f"There is no queue {queue!r}. Queues: {known}.", code="unknown_queue")
    check(found, staffing)
    if isinstance(plugins().model(staffing.model), ForeignModel) and staffing.model != found.staffing.model:
        message = (
            f"{staffing.model} is a plug-in that only workers ask; whom it would have let in then is not on record"
        )
        raise InvalidInput(f"{message}.", code="model_not_on_record", errors=[{"path": "model", "message": message}])
    return found


def settings_of(tx: Tx, queues: Collection[str]) -> dict[str, Setting]:
    """With what the pools of these queues are found where no worker has found them."""
    return {
        key: Setting(tx.policies.calendar_of(key), {kind.key: kind.skill_key for kind in tx.policies.kinds_of(key)})
        for key in queues
        if key in tx.policies.queues
    }


def check(queue: Queue, staffing: Staffing) -> None:
    """Raises InvalidInput, with every fault of the staffing."""
    faults = list(serving.complaints(replace(queue, staffing=staffing), plugins()))
    if faults:
        errors = [{"path": path.removeprefix("staffing."), "message": message} for path, message, _ in faults]
        raise InvalidInput("; ".join(f"{one['path']}: {one['message']}" for one in errors), errors=errors)


def asked_again(
    tx: Tx, served: Mapping[str, QueueFacts], rotations: set[str], since: datetime, *,
    most: int = MOST, progress: Progress | None = None, staffing_only: bool = False,
) -> Shown:  # fmt: skip
    """Every stored decision about the queues of ``served`` since then, with them served as said there.

    ``staffing_only``: of ``served`` model and strategy alone count, all else of a queue is as it was then.
    """
    refuse_ahead(tx, since)
    places = past.passes_since(tx, rotations, since, most)
    shown = Shown(since, tx.now)
    if len(places) == most:
        shown.since, shown.complete = places[0][0], False
    ghost = Shadow(served, plugins(), staffing_only=staffing_only, settings=settings_of(tx, served))
    for one in _pushed(tx, ghost, [id_ for _, id_ in places], shown, progress):
        shown.count(one)
    for one in _pulled(tx, served, most, shown, staffing_only=staffing_only):
        shown.count(one)
    return shown


def refuse_ahead(tx: Tx, since: datetime) -> None:
    """Raises InvalidInput for a moment that has not come."""
    if since >= tx.now:
        raise InvalidInput("since must lie in the past.", errors=[{"path": "since", "message": "lies ahead"}])


def _pushed(tx: Tx, ghost: Shadow, ids: list[str], shown: Shown, progress: Progress | None) -> Iterator[Asked]:
    for at in range(0, len(ids), past.CHUNK):
        stored = past.passes(tx, ids[at : at + past.CHUNK])
        yield from passed(ghost, stored, ends_of(tx, stored), shown)
        if progress is not None:
            progress(min(at + past.CHUNK, len(ids)), len(ids))


def ends_of(tx: Tx, stored: Sequence[StoredPass]) -> dict[str, datetime | None]:
    """When the tasks of these passes were done."""
    tasks = {task.id for one in stored for block in one.blocks for task in read_block(block).tasks}
    return past.ends(tx, list(tasks), tx.now)


def passed(
    ghost: Shadow, stored: Sequence[StoredPass], ended: Mapping[str, datetime | None], shown: Shown
) -> Iterator[Asked]:
    """These passes as the other staffing would have decided them; what cannot be run is noted. Pure."""
    for one in stored:
        try:
            yield from ghost.passed(one.head, one.blocks, ended)
        except (NotRerunnable, NotInstalled) as reason:
            shown.unknown[str(reason)] += 1


def claimed(
    tx: Tx, rows: Sequence[Any], served: Mapping[str, QueueFacts], shown: Shown, *, staffing_only: bool
) -> Iterator[Asked]:
    """These claims as the other staffing would have answered them."""
    for row in rows:
        try:
            facts = claim.read_record(tx, row.facts["pull"])
            one = shadowing.pulled(facts, served, plugins(), staffing_only=staffing_only)
        except (NotRerunnable, NotInstalled) as reason:
            shown.unknown[str(reason)] += 1
            continue
        if one is not None:
            yield one


def _pulled(
    tx: Tx, served: Mapping[str, QueueFacts], most: int, shown: Shown, *, staffing_only: bool
) -> Iterator[Asked]:
    after: tuple[datetime, str] | None = None
    read = 0
    while read < most:
        rows = past.claims_since(tx, list(served), shown.since, after, past.CHUNK)
        if not rows:
            return
        yield from claimed(tx, rows, served, shown, staffing_only=staffing_only)
        read += len(rows)
        after = (rows[-1].at, rows[-1].id)
    shown.complete = False
