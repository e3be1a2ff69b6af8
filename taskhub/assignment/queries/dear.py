"""What is dearer to know about people, read only where a model, a strategy or a ceiling asks for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select

from taskhub.agents.availability import day_start, shift_minutes, weekly
from taskhub.assignment import fairness, learning, needs
from taskhub.assignment.eligibility import of_shape
from taskhub.assignment.fairness import Share
from taskhub.assignment.model import AgentFacts
from taskhub.db.tables import absence, decision, duty, history, learnt, shape, task
from taskhub.db.tables import fairness as ledger
from taskhub.db.tx import Tx
from taskhub.policy.work import Queue
from taskhub.tasks.model import COMPLETED, GIVEN, QUEUED
from taskhub.tasks.shape import Shape

IDLE_FOR = timedelta(days=30)
Values = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which facts beyond the plain ones; ``since`` begins today for what was given today."""

    needs: frozenset[str]
    since: datetime | None


def of(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    """Agent key -> the dear facts that are wanted."""
    found: Values = defaultdict(dict)
    for need, read in _READ.items():
        if rows and not wanted.needs.isdisjoint(_TOGETHER.get(need, (need,))):
            for key, values in read(tx, rows, wanted).items():
                found[key] |= values
    return found


def _given(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    if wanted.since is None:
        return {}
    given = and_(decision.c.agent.in_(_keys(rows)), decision.c.at >= wanted.since, decision.c.outcome == "assigned")
    counted = select(decision.c.agent, func.count()).where(given).group_by(decision.c.agent)
    return {key: {"given_today": count} for key, count in tx.conn.execute(counted)}


def _idle(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    recent = task.c.completed_by.in_(_keys(rows)), task.c.completed_at >= tx.now - IDLE_FOR
    last = func.max(task.c.completed_at, type_=task.c.completed_at.type)
    ended = select(task.c.completed_by, last).where(*recent).group_by(task.c.completed_by)
    return {key: {"idle_since": at} for key, at in tx.conn.execute(ended)}


# ── minutes ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _minutes(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    known = estimates(tx, _keys(rows))
    found: Values = {key: {"minutes_by_kind": by_kind, "load_minutes": 0.0} for key, by_kind in known.items()}
    sums = func.count().label("n"), func.sum(task.c.minutes).label("m")
    mine = task.c.agent.in_(_keys(rows)), task.c.state.in_(GIVEN)
    work = select(task.c.agent, task.c.kind, *sums).where(*mine).group_by(task.c.agent, task.c.kind)
    for row in tx.conn.execute(work):
        each = known[row.agent].get(row.kind)
        found[row.agent]["load_minutes"] += row.n * each if each is not None else float(row.m)
    return found


def estimates(tx: Tx, keys: Sequence[str]) -> dict[str, dict[str, float]]:
    """Agent -> kind -> learnt minutes of one task, shrunk; kinds nothing was learnt of are left out."""
    kinds = tx.policies.kinds
    rows = tx.conn.execute(select(learnt).where(learnt.c.agent.in_([*keys, learning.EVERYBODY]))).all()
    learned = {(row.kind, row.agent): learning.Learnt(row.n, row.minutes) for row in rows if row.kind in kinds}
    known = {kind for kind, _ in learned}
    return {
        key: {
            kind: learning.estimate(
                kinds[kind].expected_minutes, learned.get((kind, learning.EVERYBODY)), learned.get((kind, key))
            )
            for kind in sorted(known)
        }
        for key in keys
    }


# ── today ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _today(tx: Tx, rows: Sequence[Any]) -> Iterator[Any]:
    """Tasks given on each person's own date that they still have or have done: agent, kind, queue, minutes."""
    zones: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        zones[row.time_zone].append(row.key)
    columns = task.c.kind, task.c.queue, task.c.minutes
    for zone, keys in zones.items():
        start = day_start(zone, tx.now)
        has = select(task.c.agent.label("agent"), *columns).where(
            task.c.agent.in_(keys), task.c.state.in_(GIVEN), task.c.given_at >= start
        )
        did = select(task.c.completed_by.label("agent"), *columns).where(
            task.c.completed_by.in_(keys), task.c.completed_at >= start, task.c.given_at >= start,
            task.c.state == COMPLETED,
        )  # fmt: skip
        yield from tx.conn.execute(has.union_all(did))


def _kinds(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _today(tx, rows):
        found[row.agent][row.kind] += 1
    return {key: {"kinds_today": dict(sorted(counted.items()))} for key, counted in found.items()}


def _share(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    front = {queue.key for queue in front_line(tx)}
    served: dict[str, float] = defaultdict(float)
    for row in _today(tx, rows):
        served[row.agent] += 0.0 if row.queue in front else row.minutes
    shifts = {row.key: shift_minutes(row.time_zone, weekly(row.shifts or {}), tx.now) for row in rows}
    # Off shift there is no share to fill.
    return {key: {"share_served": served[key] / shifts[key] if shifts[key] else 1.0} for key in shifts}


# ── front-line work ──────────────────────────────────────────────────────────────────────────────────────────────────
def front_line(tx: Tx) -> list[Queue]:
    """The queues whose waiting tasks come before back-office work."""
    return [queue for queue in tx.policies.queues.values() if queue.front_line and not queue.paused]


def _front(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    queues = {queue.key: queue for queue in front_line(tx)}
    if not queues:
        return {}
    here = task.c.queue == shape.c.queue, task.c.shape == shape.c.id, task.c.state == QUEUED
    waits = select(shape.c.text).where(shape.c.queue.in_(queues), select(task.c.id).where(*here).exists())
    shapes = [Shape.parse(text) for text in tx.conn.execute(waits).scalars()]
    return {row.key: {"front_line_waiting": True} for row in rows if front_line_for(row, shapes, queues)}


def front_line_for(row: Any, shapes: Sequence[Shape], queues: Mapping[str, Queue]) -> bool:
    """Whether front-line work of one of these shapes is for this person, by team, skill and attributes."""
    one = AgentFacts(row.key, row.team, skills=row.skills, attributes=row.attributes)
    return any(
        row.team in (*queues[wanted.queue].teams, *wanted.extra_teams) and not of_shape(one, wanted)
        for wanted in shapes
        if wanted.queue in queues
    )


# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _ledger(tx: Tx, rows: Sequence[Any], wanted: Wanted) -> Values:
    keys, since = _keys(rows), tx.now - fairness.QUARTER
    sums = _sums(tx, keys, since.date())
    for row, share in _in_hand(tx, rows):
        sums[row.agent] = fairness.added(sums.get(row.agent, {}), share)
    for key, turns in _turns(tx, keys, since):
        sums[key] = {**sums.get(key, {}), "duty": float(turns)}
    away, came = _away(tx, keys, since), _came(tx, keys)
    return {
        row.key: {
            "ledger": sums.get(row.key, {}),
            "credit": fairness.credit(row.hours_per_week, away.get(row.key, ()), came.get(row.key), tx.now),
        }
        for row in rows
    }


def _sums(tx: Tx, keys: Sequence[str], since: date) -> dict[str, dict[str, float]]:
    columns = ledger.c.tasks, ledger.c.minutes, ledger.c.hard, ledger.c.late
    wanted = select(ledger.c.agent, *(func.sum(column).label(column.name) for column in columns)).where(
        ledger.c.agent.in_(keys), ledger.c.on >= since.isoformat()
    )
    rows = tx.conn.execute(wanted.group_by(ledger.c.agent))
    return {row.agent: {column.name: float(row._mapping[column.name]) for column in columns} for row in rows}


def _in_hand(tx: Tx, rows: Sequence[Any]) -> Iterator[tuple[Any, Share]]:
    """Open work counts as it is given; the table takes it over once it is done."""
    zones = {row.key: ZoneInfo(row.time_zone) for row in rows}
    columns = task.c.agent, task.c.kind, task.c.level, task.c.weight, task.c.minutes, task.c.given_at
    for row in tx.conn.execute(select(*columns).where(task.c.agent.in_(zones), task.c.state.in_(GIVEN))):
        yield row, fairness.share_of(row, tx.policies.kinds.get(row.kind), row.minutes, zones[row.agent])


def _turns(tx: Tx, keys: Sequence[str], since: datetime) -> Iterator[Any]:
    begun = duty.c.agent.in_(keys), duty.c.from_at >= since, duty.c.from_at <= tx.now
    yield from tx.conn.execute(select(duty.c.agent, func.count()).where(*begun).group_by(duty.c.agent))


def _away(tx: Tx, keys: Sequence[str], since: datetime) -> dict[str, list[tuple[datetime, datetime]]]:
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    gone = absence.c.agent.in_(keys), absence.c.until_at > since, absence.c.from_at < tx.now
    for row in tx.conn.execute(select(absence).where(*gone).order_by(absence.c.from_at)):
        found[row.agent].append((row.from_at, row.until_at))
    return found


def _came(tx: Tx, keys: Sequence[str]) -> dict[str, datetime]:
    """Since when each person is known here: newcomers owe nothing for the time before."""
    first = select(history.c.id, history.c.at).where(
        history.c.noun == "agent", history.c.id.in_(keys), history.c.seq == 1
    )
    return {row.id: row.at for row in tx.conn.execute(first)}


def _keys(rows: Sequence[Any]) -> list[str]:
    return [row.key for row in rows]


# Facts that are read in one go.
_TOGETHER = {needs.MINUTES: (needs.MINUTES, "load_minutes"), needs.LEDGER: (needs.LEDGER, "credit")}
_READ: Mapping[str, Callable[[Tx, Sequence[Any], Wanted], Values]] = {
    needs.GIVEN_TODAY: _given,
    needs.IDLE: _idle,
    needs.MINUTES: _minutes,
    needs.KINDS: _kinds,
    needs.SHARE: _share,
    needs.FRONT_LINE: _front,
    needs.LEDGER: _ledger,
}
