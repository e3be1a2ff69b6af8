"""People as decisions see them: one statement for the rows, one for absences, one for open work, one for loans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from taskhub.agents.availability import OUT, present, weekly
from taskhub.agents.capacity import RAMP_SHARE, Away, ramp_end
from taskhub.agents.fields import LONGEST_RAMP
from taskhub.assignment.model import AgentFacts, Loan
from taskhub.assignment.needs import NOTHING
from taskhub.assignment.queries import dear
from taskhub.assignment.queries.dear import Wanted
from taskhub.db.tables import absence, agent, loan, task
from taskhub.db.tx import Tx
from taskhub.tasks.model import GIVEN

_FACTS = (
    agent.c.key, agent.c.team, agent.c.name, agent.c.active, agent.c.skills, agent.c.attributes, agent.c.capacity,
    agent.c.capacity_minutes, agent.c.queue_caps, agent.c.presence, agent.c.presence_until, agent.c.presence_at,
    agent.c.time_zone, agent.c.shifts, agent.c.hours_per_week,
)  # fmt: skip


class Gone(NamedTuple):
    """A time away as it is stored."""

    from_at: datetime
    until_at: datetime
    ramp_for_s: float | None


@dataclass(slots=True)
class Held:
    """One person's open work: what counts against the capacity, in tasks, by queue and in minutes, and the load."""

    count: int = 0
    minutes: float = 0.0
    by_queue: dict[str, int] = field(default_factory=dict)
    load: float = 0.0


def people(
    tx: Tx, teams: Collection[str], paused_queues: Collection[str], since: datetime | None,
    queues: Collection[str] = (), needs: frozenset[str] = NOTHING,
) -> list[AgentFacts]:  # fmt: skip
    """Everybody of ``teams`` and whoever is lent to ``queues``, as they stand; ``since`` begins today."""
    wanted = agent.c.team.in_(teams)
    lent = _lent(tx, queues) if queues else []
    rows = tx.conn.execute(select(*_FACTS).where(or_(wanted, agent.c.key.in_(lent)) if lent else wanted)).all()
    return facts(tx, sorted(rows, key=lambda row: str(row.key)), paused_queues, Wanted(needs, since))


def person(
    tx: Tx, key: str, paused_queues: Collection[str], *, lock: bool, needs: frozenset[str] = NOTHING
) -> AgentFacts | None:
    """One person's row (locked where they are about to get work) and, read after it, what they hold."""
    wanted = select(*_FACTS).where(agent.c.key == key)
    rows = tx.conn.execute(wanted.with_for_update() if lock else wanted).all()
    return next(iter(facts(tx, rows, paused_queues, Wanted(needs, None))), None)


def _lent(tx: Tx, queues: Collection[str]) -> list[str]:
    now = loan.c.from_at <= tx.now, loan.c.until_at > tx.now
    return list(tx.conn.execute(select(loan.c.agent).where(loan.c.queue.in_(queues), *now)).scalars())


def facts(tx: Tx, rows: Sequence[Any], paused_queues: Collection[str], wanted: Wanted) -> list[AgentFacts]:
    """What the rows of people (``_FACTS``) and the tables around them say; the dear part only as far as wanted."""
    keys = [row.key for row in rows]
    away, open_work, lent = _absences(tx, keys), held(tx, keys, paused_queues), loans(tx, keys)
    plain = [plain_facts(row, away[row.key], open_work[row.key], lent[row.key], tx.now) for row in rows]
    more = dear.of(tx, rows, wanted)
    return [replace(one, **more[one.key]) if one.key in more else one for one in plain]


def plain_facts(row: Any, away: Sequence[Any], work: Held, lent: tuple[Loan, ...], now: datetime) -> AgentFacts:
    """A person's row (``_FACTS``) with their absences, open work and loans, as a decision sees them."""
    ramp = ramp_end(_aways(row, away), now)
    # What no limit asks for stays out of the record.
    minutes = work.minutes if row.capacity_minutes is not None else 0.0
    return AgentFacts(
        key=row.key, team=row.team, name=row.name, active=row.active, skills=row.skills, attributes=row.attributes,
        capacity=int(row.capacity), held=work.count, load=work.load, presence=row.presence,
        presence_until=row.presence_until, time_zone=row.time_zone, shifts=weekly(row.shifts or {}),
        absences=tuple((one.from_at, one.until_at) for one in away if one.until_at > now), loans=lent,
        ramp_until=ramp, ramp_share=RAMP_SHARE if ramp else 1.0, capacity_minutes=row.capacity_minutes,
        held_minutes=minutes, queue_caps=row.queue_caps or {},
        held_by_queue=work.by_queue if row.queue_caps else {},
    )  # fmt: skip


def _aways(row: Any, absences: Sequence[Any]) -> list[Away]:
    """Times away that may be over: planned ones, and "I am out until then" that ended by itself."""
    found: list[Away] = [(one.from_at, one.until_at, one.ramp_for_s) for one in absences]
    if row.presence in OUT and row.presence_until and row.presence_at:
        found.append((row.presence_at, row.presence_until, None))
    return found


def _absences(tx: Tx, keys: Sequence[str]) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    recent = absence.c.agent.in_(keys), absence.c.until_at > tx.now - LONGEST_RAMP
    for row in tx.conn.execute(select(absence).where(*recent).order_by(absence.c.from_at)):
        found[row.agent].append(row)
    return found


def held(tx: Tx, keys: Sequence[str], paused_queues: Collection[str]) -> Mapping[str, Held]:
    """What each of these people holds. For an act that gives work: read after their rows are locked."""
    found: dict[str, Held] = defaultdict(Held)
    sums = func.count().label("n"), func.sum(task.c.weight).label("w"), func.sum(task.c.minutes).label("m")
    given = select(task.c.agent, task.c.state, task.c.queue, *sums).where(
        task.c.agent.in_(keys), task.c.state.in_(GIVEN)
    )
    for row in tx.conn.execute(given.group_by(task.c.agent, task.c.state, task.c.queue)):
        mine = found[row.agent]
        mine.load += float(row.w)
        if row.state != "paused" or row.queue in paused_queues:
            mine.count += row.n
            mine.minutes += float(row.m)
            mine.by_queue[row.queue] = mine.by_queue.get(row.queue, 0) + row.n
    return found


def loans(tx: Tx, keys: Sequence[str]) -> Mapping[str, tuple[Loan, ...]]:
    """Loans of these people that hold or are to come."""
    found: dict[str, tuple[Loan, ...]] = defaultdict(tuple)
    still = loan.c.agent.in_(keys), loan.c.until_at > tx.now
    for row in tx.conn.execute(select(loan).where(*still).order_by(loan.c.from_at, loan.c.id)):
        found[row.agent] += (Loan(row.queue, row.from_at, row.until_at),)
    return found


def anew(tx: Tx, seen: Mapping[str, AgentFacts], paused_queues: Collection[str]) -> dict[str, AgentFacts]:
    """Locked people as they stand now, those who are still there to get work; the rest of their facts as ``seen``."""
    columns = (
        agent.c.key, agent.c.active, agent.c.capacity, agent.c.capacity_minutes, agent.c.queue_caps, agent.c.presence,
        agent.c.presence_until,
    )  # fmt: skip
    rows = tx.conn.execute(select(*columns).where(agent.c.key.in_(seen))).all()
    work = held(tx, list(seen), paused_queues)
    there = [r for r in rows if r.active and present(r.presence, r.presence_until, tx.now) == "available"]
    return {row.key: _moved(seen[row.key], row, work[row.key]) for row in there}


def _moved(seen: AgentFacts, row: Any, work: Held) -> AgentFacts:
    return replace(
        seen, capacity=int(row.capacity), capacity_minutes=row.capacity_minutes, queue_caps=row.queue_caps or {},
        held=work.count, held_minutes=work.minutes, held_by_queue=work.by_queue, load=work.load,
    )  # fmt: skip
