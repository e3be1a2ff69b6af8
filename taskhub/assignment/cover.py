"""Which kinds depend on few people: now, in the days to come, and once somebody is away, gone or less able."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskhub.assignment import coverage, passes, serving, store
from taskhub.assignment.coverage import Gap
from taskhub.assignment.installed import plugins
from taskhub.assignment.model import AgentFacts, QueueFacts
from taskhub.assignment.serving import shape_of
from taskhub.db.tx import Tx
from taskhub.policy.work import Kind, Queue


@dataclass(frozen=True, slots=True)
class Cover:
    """Who could do a kind, and the stretches in which few of them are there."""

    kind: Kind
    people: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()


def covers(tx: Tx, queues: Collection[str] | None, since: datetime, until: datetime) -> list[Cover]:
    """Every kind of ``queues`` (None = all), by key, with its gaps in [since, until) that planned absences make."""
    chosen = [queue for key, queue in tx.policies.queues.items() if queues is None or key in queues]
    people = _people(tx, chosen)
    away = {one.key: one.absences for one in people}
    found = []
    for kind, able in _able(tx, chosen, people):
        gaps = [gap for gap in coverage.gaps(able, away, since, until) if len(gap.left) < len(able) or not able]
        found.append(Cover(kind, able, tuple(gaps)))
    return sorted(found, key=lambda one: one.kind.key)


def without(tx: Tx, agent: str, since: datetime, until: datetime | None) -> list[Cover]:
    """Kinds ``agent`` can do that would have nobody, or only one, in [since, until) if they were not there."""
    people = _people(tx, list(tx.policies.queues.values()))
    away = {one.key: one.absences for one in people if one.key != agent}
    found = []
    for kind, able in _able(tx, list(tx.policies.queues.values()), people):
        others = tuple(key for key in able if key != agent)
        gaps = coverage.gaps(others, away, since, until) if agent in able else []
        if gaps:
            found.append(Cover(kind, others, tuple(gaps)))
    return sorted(found, key=lambda one: one.kind.key)


def counts(tx: Tx) -> dict[str, tuple[str, ...]]:
    """Kind -> who could do it, as things stand: looked at before and after a change."""
    queues = list(tx.policies.queues.values())
    return {kind.key: able for kind, able in _able(tx, queues, _people(tx, queues))}


def fewer(tx: Tx, before: Mapping[str, tuple[str, ...]]) -> list[Cover]:
    """Kinds that have fewer people than ``before``, and now nobody or only one: what a change has led to."""
    after = counts(tx)
    lost = [key for key, able in after.items() if len(able) <= coverage.FEW and len(able) < len(before.get(key, ()))]
    return [Cover(tx.policies.kinds[key], after[key], (Gap(tx.now, None, after[key]),)) for key in sorted(lost)]


def under(tx: Tx, before: Queue, after: Queue, at: datetime) -> list[Cover]:
    """Kinds of a queue that another way of serving it would leave with nobody, or only one, from ``at`` on."""
    people = store.people(tx, after.teams, passes.paused_queues(tx), None, [after.key])
    was = dict(_of_queue(tx, before, people))
    found = []
    for kind, able in _of_queue(tx, after, people):
        if len(able) <= coverage.FEW and len(able) < len(was[kind]):
            found.append(Cover(tx.policies.kinds[kind], able, (Gap(at, None, able),)))
    return found


def _of_queue(tx: Tx, queue: Queue, people: Sequence[AgentFacts]) -> Iterator[tuple[str, tuple[str, ...]]]:
    served = serving.served(queue, plugins())
    for kind in tx.policies.kinds_of(queue.key):
        against = coverage.able(served, people, shape_of(kind), tx.now, plugins())
        yield kind.key, tuple(sorted(key for key, why in against.items() if not why))


def nobody_for(tx: Tx, queue: str, shape_id: str, besides: str, kept_out: Collection[str]) -> tuple[str, ...]:
    """Why nobody but ``besides`` could ever take a task of this shape; nothing when somebody could."""
    if queue not in tx.policies.queues:
        return ("pool_empty",)
    chosen = tx.policies.queues[queue]
    shape = store.shapes(tx, [queue])[shape_id]
    people = [one for one in _people(tx, [chosen]) if one.key != besides]
    against = coverage.able(passes.facts(tx, [chosen])[queue], people, shape, tx.now, plugins())
    codes = {key: [*why, *(["not_by"] if key in kept_out else [])] for key, why in against.items()}
    if any(not why for why in codes.values()):
        return ()
    inside = [why for why in codes.values() if not {"inactive", "not_in_pool"} & set(why)]
    return tuple(sorted({code for why in inside for code in why})) or ("pool_empty",)


def _people(tx: Tx, queues: Sequence[Queue]) -> list[AgentFacts]:
    teams = {team for queue in queues for team in queue.teams}
    return store.people(tx, teams, passes.paused_queues(tx), None, [queue.key for queue in queues])


def _able(tx: Tx, queues: Sequence[Queue], people: Sequence[AgentFacts]) -> Iterator[tuple[Kind, tuple[str, ...]]]:
    served: Mapping[str, QueueFacts] = passes.facts(tx, queues)
    for queue in queues:
        for kind in tx.policies.kinds_of(queue.key):
            against = coverage.able(served[queue.key], people, shape_of(kind), tx.now, plugins())
            yield kind, tuple(sorted(key for key, why in against.items() if not why))
