"""The claim on PostgreSQL: after the lock, one statement counts, finds, takes and writes everything it leaves behind.

The same steps as take.py, run by the database: a claim costs two round trips instead of twenty. The concurrency suite
and the record's re-run hold both forms to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from taskhub.agents.availability import weekly
from taskhub.assignment.codec import agent_facts, moment, queue_facts
from taskhub.assignment.model import ENGINE_VERSION, AgentFacts, QueueFacts
from taskhub.db.tx import Tx
from taskhub.ids import new_id
from taskhub.tasks.model import Lease, Task
from taskhub.tasks.shape import Shape

HEADS = (4, 64, 1024)
_COLUMNS = ", ".join(f"t.{name}" for name in Task.__slots__)

_LOCK = """
SELECT a.key, a.team, a.name, a.active, a.skills, a.attributes, a.capacity, a.presence, a.presence_until, a.time_zone,
  a.shifts,
  (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.until_at) ORDER BY b.from_at) FROM absence b
    WHERE b.agent = a.key AND b.until_at > :now) AS absences,
  (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.effective_at, s.id) FROM staffing s
    WHERE s.effective_at <= :now) AS switches,
  (SELECT array_agg(h.id) FROM shape h) AS shapes
FROM agent a WHERE a.key = :me FOR UPDATE OF a"""

_FILTERS = """
  AND NOT EXISTS (
    SELECT 1 FROM exclusion e WHERE e.task = t.id AND e.agent = :me AND (e.until IS NULL OR e.until > :now))
  AND (:no_absence OR t.due_at IS NULL OR t.due_at <= :now OR NOT EXISTS (
    SELECT 1 FROM absence b WHERE b.agent = :me AND b.from_at <= t.due_at AND b.until_at > t.due_at))"""

_TAKE = f"""
WITH own AS MATERIALIZED (
  SELECT t.id FROM task t WHERE t.agent = :me AND t.queue = ANY(:queues)
    AND (t.state = 'assigned' OR (t.state = 'paused' AND t.paused_until <= :now)) LIMIT 1),
held AS MATERIALIZED (
  SELECT count(*) AS n FROM task t WHERE t.agent = :me
    AND (t.state IN ('assigned', 'in_progress') OR (t.state = 'paused' AND t.queue = ANY(:paused_queues)))),
heads AS MATERIALIZED (
  SELECT h.id, h.start_by, h.created_at, o.until
  FROM unnest(:allowed, :allowed_queues, :untils) AS o(shape, queue, until)
  CROSS JOIN LATERAL (
    SELECT t.id, t.start_by, t.created_at FROM task t
    WHERE t.queue = o.queue AND t.shape = o.shape AND t.state = 'queued' {_FILTERS}
    ORDER BY t.start_by, t.created_at, t.id LIMIT :each) h
  WHERE NOT EXISTS (SELECT 1 FROM own) AND (SELECT n FROM held) < :capacity),
picked AS MATERIALIZED (
  SELECT t.id, h.until FROM heads h JOIN task t ON t.id = h.id WHERE t.state = 'queued'
  ORDER BY h.start_by, h.created_at, h.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED),
taken AS (
  UPDATE task t SET state = 'in_progress', agent = :me, given_at = :now, started_at = coalesce(t.started_at, :now),
    seq = t.seq + 1, version = t.version + 1, waiting_reasons = NULL
  FROM picked p WHERE t.id = p.id RETURNING {_COLUMNS}, p.until AS lease_until),
leased AS (
  INSERT INTO lease (task, agent, token, expires_at) SELECT id, :me, nextval('fence'), lease_until FROM taken
  ON CONFLICT (task) DO UPDATE SET agent = excluded.agent, token = excluded.token, expires_at = excluded.expires_at
  RETURNING token),
met AS (
  UPDATE sla_clock c SET met_at = :now FROM taken t
  WHERE c.task = t.id AND c.target = 'first_start' AND c.met_at IS NULL),
told AS (
  INSERT INTO history (noun, id, seq, act_id, at, by, act, change, xid)
  SELECT 'task', id, seq, :act_id, :now, :by, 'claim',
    jsonb_build_object('state', 'in_progress', 'from', 'queued', 'agent', agent, 'given_at', given_at,
      'started_at', started_at), pg_current_xact_id()::text::bigint FROM taken),
acted AS (
  INSERT INTO act (id, by, at, kind, touched, inverse)
  SELECT :act_id, :by, :now, :kind, jsonb_build_array(jsonb_build_array('task', id)),
    jsonb_build_object('op', 'release', 'task', id) FROM taken),
timed AS (
  INSERT INTO message (topic, handler, key, mode, payload, emitted_at, due_at)
  SELECT 'lease.expired', :lease_handler, id, 'one', '{{}}'::jsonb, :now, lease_until FROM taken
  ON CONFLICT (handler, key) WHERE mode = 'one' and token is null and done_at is null and dead_at is null
  DO UPDATE SET due_at = excluded.due_at, emitted_at = excluded.emitted_at),
refused_heads AS MATERIALIZED (
  SELECT h.* FROM unnest(:refused, :refused_queues, :refused_why) AS o(shape, queue, why) CROSS JOIN LATERAL (
    SELECT t.id, t.shape, t.queue, t.start_by, t.created_at, t.weight, t.minutes, t.due_at, o.why::jsonb AS why,
      '{{}}'::jsonb AS excluded FROM task t
    WHERE t.queue = o.queue AND t.shape = o.shape AND t.state = 'queued'
      AND t.start_by < (SELECT start_by FROM taken) {_FILTERS}
    ORDER BY t.start_by, t.created_at, t.id LIMIT 1) h),
excluded_heads AS MATERIALIZED (
  SELECT t.id, t.shape, t.queue, t.start_by, t.created_at, t.weight, t.minutes, t.due_at,
    jsonb_build_array(e.why) AS why, jsonb_build_object(:me::text, e.why) AS excluded
  FROM exclusion e JOIN task t ON t.id = e.task
  WHERE e.agent = :me AND (e.until IS NULL OR e.until > :now) AND t.state = 'queued' AND t.shape = ANY(:allowed)
    AND t.start_by < (SELECT start_by FROM taken) LIMIT 20),
passed_over AS MATERIALIZED (
  SELECT * FROM (SELECT * FROM refused_heads UNION ALL SELECT * FROM excluded_heads) x
  ORDER BY x.start_by, x.created_at, x.id LIMIT 20),
decided AS (
  INSERT INTO decision (id, task, way, at, outcome, agent, facts, model, policy_hash)
  SELECT :decision_id, t.id, 'pull', :now, 'assigned', :me,
    jsonb_build_object('pull', :seen::jsonb || jsonb_build_object('held', (SELECT n FROM held),
      'queues', (SELECT jsonb_agg(:queue_facts::jsonb -> q.queue) FROM (
        SELECT t.queue UNION SELECT o.queue FROM passed_over o) q),
      'over', (SELECT coalesce(jsonb_agg(jsonb_build_array(o.id, o.shape, o.start_by, o.created_at, o.weight, o.minutes,
        o.due_at, o.excluded, o.why) ORDER BY o.start_by, o.created_at, o.id), '[]'::jsonb) FROM passed_over o),
      'task', jsonb_build_array(t.id, t.shape, t.start_by, t.created_at, t.weight, t.minutes, t.due_at,
        '{{}}'::jsonb))),
    :queue_facts::jsonb -> t.queue ->> 'model', :policy FROM taken t)
SELECT (SELECT id FROM own) AS own, (SELECT n FROM held) AS held, (SELECT count(*) FROM heads) AS seen,
  (SELECT token FROM leased) AS token, t.*
FROM (SELECT 1) one LEFT JOIN taken t ON true"""  # noqa: S608  only names of columns enter this text


@dataclass(frozen=True, slots=True)
class Locked:
    """The caller under lock: facts without what they hold, switches by queue, ids of every shape."""

    person: AgentFacts
    switches: Mapping[str, Any]
    shapes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the one statement found: own work that comes first, how much is held, how many heads were seen, the gift."""

    own: str | None
    held: int
    seen: int
    task: Task | None = None
    lease: Lease | None = None


def lock(tx: Tx, me: str) -> Locked | None:
    """Locks the caller and reads what the filters need, in one statement."""
    row = tx.conn.exec_driver_sql(_LOCK_SQL, {"me": me, "now": tx.now}).first()
    if row is None:
        return None
    away = [(datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in row.absences or ()]
    person = AgentFacts(
        key=row.key, team=row.team, name=row.name, active=row.active, skills=row.skills, attributes=row.attributes,
        capacity=int(row.capacity), presence=row.presence, presence_until=row.presence_until, time_zone=row.time_zone,
        shifts=weekly(row.shifts or {}), absences=tuple(away),
    )  # fmt: skip
    return Locked(person, {one["queue"]: one for one in row.switches or ()}, row.shapes or ())


def take(
    tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]],
) -> Taken:  # fmt: skip
    """Takes the first head nobody else holds. All heads may be locked: looks wider before saying there is nothing."""
    given = _parameters(tx, person, queues, allowed, refused)
    for each in HEADS:
        row = tx.conn.exec_driver_sql(_SQL, {**given, "each": each}).one()
        found = _read(row)
        if found.task or found.own or found.seen < each:
            return found
    return found


def _parameters(
    tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]],
) -> dict[str, Any]:  # fmt: skip
    seen = {
        "now": moment(tx.now), "agent": agent_facts(person), "picked": False, "policy": tx.policies.hash,
        "engine": ENGINE_VERSION,
    }  # fmt: skip
    return {
        "me": person.key, "now": tx.now, "capacity": person.capacity, "no_absence": not person.absences,
        "queues": list(queues), "paused_queues": [k for k, q in tx.policies.queues.items() if q.paused_counts],
        "allowed": list(allowed), "allowed_queues": [shape.queue for shape in allowed.values()],
        "untils": _untils(tx, allowed), "refused": list(refused),
        "refused_queues": [shape.queue for shape, _ in refused.values()],
        "refused_why": [_json(codes) for _, codes in refused.values()], "act_id": tx.act_id, "by": tx.by.label,
        "kind": tx.act_kind or "task.claim", "lease_handler": tx.flow["lease.expired"][0].handler,
        "decision_id": new_id(), "seen": _json(seen), "policy": tx.policies.hash,
        "queue_facts": _json({key: queue_facts(queue) for key, queue in queues.items()}),
    }  # fmt: skip


def _untils(tx: Tx, allowed: Mapping[str, Shape]) -> list[datetime]:
    """When a lease on a task of each shape would end: the queue's term, at least twice the expected minutes."""
    untils: dict[timedelta, datetime] = {}
    found = []
    for shape in allowed.values():
        queue, kind = tx.policies.queues[shape.queue], tx.policies.kinds.get(shape.kind)
        term = max(queue.lease_for, timedelta(minutes=2 * kind.expected_minutes if kind else 0))
        if term not in untils:
            untils[term] = tx.after(term)
        found.append(untils[term])
    return found


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _read(row: Any) -> Taken:
    own, held, seen, token, *columns, until = row
    if token is None:
        return Taken(own, held, seen)
    task = Task(*columns)
    return Taken(own, held, seen, task, Lease(task.id, task.agent or "", token, until))


_TYPES = {
    "me": "text", "now": "timestamptz", "no_absence": "boolean", "queues": "text[]", "paused_queues": "text[]",
    "allowed": "text[]", "allowed_queues": "text[]", "untils": "timestamptz[]", "refused": "text[]",
    "refused_queues": "text[]", "refused_why": "text[]", "each": "bigint", "capacity": "float8",
}  # fmt: skip


def _driver_form(statement: str) -> str:
    """The statement in the driver's own parameter style, so that nothing is compiled per call."""
    return re.sub(r"(?<!:):([a-z_]+)(::\w+)?", _placeholder, statement)


def _placeholder(match: re.Match[str]) -> str:
    name, cast = match[1], match[2] or f"::{_TYPES.get(match[1], 'text')}"
    return f"%({name})s{cast}"


_SQL = _driver_form(_TAKE)
_LOCK_SQL = _driver_form(_LOCK)
