"""The claim on PostgreSQL: after the lock, one statement counts, finds, takes and writes everything it leaves behind.

The same steps as take.py, run by the database: a claim costs two round trips instead of twenty. The concurrency suite
and the record's re-run hold both forms to the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from taskhub.agents.availability import day_start
from taskhub.agents.capacity import effective
from taskhub.agents.fields import LONGEST_RAMP
from taskhub.assignment.codec import agent_facts, moment, queue_facts
from taskhub.assignment.model import ENGINE_VERSION, AgentFacts, Loan, QueueFacts
from taskhub.assignment.queries.people import Gone, Held, plain_facts
from taskhub.assignment.swift_statements import LET_GO, LOCK, STEADY, TAKE, TAKE_LIMITED
from taskhub.db.idempotency import KEPT_FOR, Call, Stored, answer
from taskhub.db.quick import array, run
from taskhub.db.tx import Tx
from taskhub.ids import new_id
from taskhub.policy.policies import Policies
from taskhub.tasks.model import Lease, Task
from taskhub.tasks.shape import Shape

HEADS = (4, 64, 1024)
INFINITE = "Infinity"


class Row(NamedTuple):
    """The caller's row, as it is stored."""

    key: str
    team: str
    name: str
    active: bool
    skills: Mapping[str, int]
    attributes: Mapping[str, Any]
    presence: str
    presence_until: datetime | None
    time_zone: str
    capacity: float
    capacity_minutes: float | None
    queue_caps: Mapping[str, int] | None
    presence_at: datetime | None
    shifts: Mapping[str, list[str]] | None
    hours_per_week: float | None


@dataclass(frozen=True, slots=True)
class Locked:
    """The caller under lock: facts without what they hold, switches, pauses and pools by queue, ids of every shape.

    ``front_line``: ids of the shapes of front-line work that waits.
    """

    row: Row
    person: AgentFacts
    switches: Mapping[str, Any]
    stopped: Mapping[str, Any]
    states: Mapping[str, Any]
    shapes: Sequence[str]
    front_line: Sequence[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the one statement found: own work that comes first, how much is held, how many heads were seen, the gift.

    ``before``: the reply this very call got when it came for the first time; nothing was taken then.
    """

    own: str | None
    held: int
    held_minutes: float
    held_by_queue: Mapping[str, int]
    seen: int
    task: Task | None = None
    lease: Lease | None = None
    warn_at: datetime | None = None
    before: Stored | None = None


def lock(tx: Tx, me: str, front_line: Sequence[str]) -> Locked | None:
    """Locks the caller and reads what the filters need, in one statement; ``front_line`` queues come before others."""
    given = {"me": me, "now": tx.now, "recently": tx.now - LONGEST_RAMP}
    rows = run(tx.conn, LOCK, given | {"served": array(tx.policies.queues), "front_line": array(front_line)})
    if not rows:
        return None
    away, lent, switches, stopped, states, shapes, waiting, *plain = rows[0][: -len(STEADY)]
    row = Row(*plain)
    absences = [Gone(datetime.fromisoformat(a), datetime.fromisoformat(b), ramp) for a, b, ramp in away or ()]
    loans = tuple(Loan(q, datetime.fromisoformat(a), datetime.fromisoformat(b)) for q, a, b in lent or ())
    return Locked(
        row, plain_facts(row, absences, Held(), loans, tx.now), _by_queue(switches), _by_queue(stopped),
        _by_queue(states), shapes or (), waiting or (),
    )  # fmt: skip


def _by_queue(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {one["queue"]: one for one in rows or ()}


def let_go(tx: Tx) -> None:
    """No take follows the lock: the statements after it are planned as everywhere."""
    run(tx.conn, LET_GO, {})


def take(
    tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]], call: Call | None = None,
) -> Taken:  # fmt: skip
    """Takes the first head nobody else holds. All heads may be locked: looks wider before saying there is nothing."""
    given = _parameters(tx, person, queues, allowed, refused)
    given |= {"route": call and call.route, "once": call and call.key, "kept_since": tx.real_now - KEPT_FOR}
    ceiled = any(queue.ceilings for queue in queues.values())
    limited = ceiled or bool(person.queue_caps) or person.capacity_minutes is not None
    if limited:
        given |= _limits(person, queues, allowed, refused)
        given |= {"ceiled": ceiled, "midnight": day_start(person.time_zone, tx.now)}
    statement = TAKE_LIMITED if limited else TAKE
    for each in HEADS:
        found = _read(run(tx.conn, statement, {**given, "each": each})[0], call)
        if found.task or found.own or found.before or found.seen < each:
            return found
    return found


def _parameters(
    tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]],
) -> dict[str, Any]:  # fmt: skip
    offers = _offers(tx.policies, allowed, queues)
    seen = {
        "now": moment(tx.now), "agent": agent_facts(person), "picked": False, "policy": tx.policies.hash,
        "engine": ENGINE_VERSION,
    }  # fmt: skip
    return {
        "me": person.key, "now": tx.now, "no_absence": not person.absences,
        "capacity": effective(person.capacity, person.ramp_share, person.ramp_until, tx.now),
        "queues": array(queues), "allowed": array(allowed), "untils": array(_untils(tx, offers.terms)),
        "paused_queues": offers.paused_queues, "allowed_queues": offers.queues, "refused": array(refused),
        "refused_queues": array(shape.queue for shape, _ in refused.values()),
        "refused_why": array(_json(codes) for _, codes in refused.values()), "act_id": tx.act_id, "by": tx.by.label,
        "kind": tx.act_kind or "task.claim", "lease_handler": tx.flow["lease.expired"][0].handler,
        "decision_id": new_id(), "seen": _json(seen), "policy": tx.policies.hash,
        "queue_facts": offers.facts, "queue_models": offers.models,
    }  # fmt: skip


def _limits(
    person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]],
) -> dict[str, Any]:  # fmt: skip
    """Of each shape: the person's cap in its queue, and how many of its kind they are given in a day."""
    found: dict[str, Any] = {"minutes": INFINITE if person.capacity_minutes is None else person.capacity_minutes}
    for prefix, shapes in (("", list(allowed.values())), ("refused_", [shape for shape, _ in refused.values()])):
        caps = [str(person.queue_caps.get(shape.queue, INFINITE)) for shape in shapes]
        ceilings = [str(queues[shape.queue].ceilings.get(shape.kind, INFINITE)) for shape in shapes]
        found |= {f"{prefix}caps": array(caps), f"{prefix}ceilings": array(ceilings)}
        found[f"{prefix}kinds"] = array(shape.kind for shape in shapes)
    return found


class Offers(NamedTuple):
    """The part of a claim's parameters that stays from call to call: what the policies say of queues and shapes."""

    policies: Policies
    served: Mapping[str, QueueFacts]
    queues: str
    terms: tuple[timedelta, ...]
    paused_queues: str
    facts: str
    models: str


_known: dict[tuple[str, ...], Offers] = {}  # nothing in its place names the policies: the next ones let go of them
KNOWN = 1_000


def _offers(policies: Policies, allowed: Mapping[str, Shape], queues: Mapping[str, QueueFacts]) -> Offers:
    place = (*allowed, *queues)
    found = _known.get(place)
    if found is None or found.policies is not policies or found.served is not queues:
        if len(_known) >= KNOWN:
            _known.clear()
        found = _known[place] = Offers(
            policies, queues, array(shape.queue for shape in allowed.values()),
            tuple(_term(policies, shape) for shape in allowed.values()),
            array(key for key, queue in policies.queues.items() if queue.paused_counts),
            array(_json(queue_facts(queue)) for queue in queues.values()),
            array(queue.model for queue in queues.values()),
        )  # fmt: skip
    return found


def _term(policies: Policies, shape: Shape) -> timedelta:
    """How long a lease on a task of the shape lasts: the queue's term, at least twice the expected minutes."""
    queue, kind = policies.queues[shape.queue], policies.kinds.get(shape.kind)
    return max(queue.lease_for, timedelta(minutes=2 * kind.expected_minutes if kind else 0))


def _untils(tx: Tx, terms: Sequence[timedelta]) -> list[str]:
    """When a lease given now would end, for each of ``terms``."""
    ends = {term: moment(tx.after(term)) for term in set(terms)}
    return [ends[term] for term in terms]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _read(row: Any, call: Call | None) -> Taken:
    own, held, minutes, by_queue, seen, token, fingerprint, status, reply, warn_at, *more = row
    if call is not None and fingerprint is not None:
        return Taken(own, held, minutes, by_queue, seen, before=answer(call, fingerprint, status, reply))
    if token is None:
        return Taken(own, held, minutes, by_queue, seen)
    *columns, until = more[len(STEADY) :]
    task = Task(*columns)
    return Taken(own, held, minutes, by_queue, seen, task, Lease(task.id, task.agent or "", token, until), warn_at)
