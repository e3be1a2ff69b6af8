"""The claim on PostgreSQL: after the lock, one statement counts, finds, takes and writes everything it leaves behind.

The same steps as take.py, run by the database: a claim costs two round trips instead of twenty. The concurrency suite
and the record's re-run hold both forms to the same answers.

Planning that statement anew costs more than running it, and the server would do so at every call: it takes the cheapest
plan for the parameters at hand. So the lock asks for the one plan that fits all of them, by index and from heads to
rows, whatever the tables hold at that moment; the take gives the session its own ways back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from taskhub.agents.availability import weekly
from taskhub.assignment.codec import agent_facts, moment, queue_facts
from taskhub.assignment.model import ENGINE_VERSION, AgentFacts, QueueFacts
from taskhub.db.idempotency import KEPT_FOR, Call, Stored, answer
from taskhub.db.quick import quick, run
from taskhub.db.tx import Tx
from taskhub.ids import new_id
from taskhub.policy.policies import Policies
from taskhub.tasks.model import Lease, Task
from taskhub.tasks.shape import Shape

HEADS = (4, 64, 1024)
_COLUMNS = ", ".join(f"t.{name}" for name in Task.__slots__)
_PLAIN = ("key", "team", "name", "active", "skills", "attributes", "presence", "presence_until", "time_zone")
_STEADY = {"plan_cache_mode": ("force_generic_plan", "auto")}
_STEADY |= {f"enable_{way}": ("off", "on") for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")}
_ONE_PLAN, _OWN_WAYS = (
    ", ".join(f"set_config('{name}', '{values[n]}', true)" for name, values in _STEADY.items()) for n in (0, 1)
)

_LOCK = f"""
SELECT a.capacity, a.shifts,
  (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.until_at) ORDER BY b.from_at) FROM absence b
    WHERE b.agent = a.key AND b.until_at > :now) AS absences,
  (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.effective_at, s.id) FROM staffing s
    WHERE s.effective_at <= :now) AS switches,
  (SELECT jsonb_agg(to_jsonb(q)) FROM queue_state q WHERE q.paused) AS stopped,
  (SELECT array_agg(h.id) FROM shape h) AS shapes, {", ".join(f"a.{name}" for name in _PLAIN)}, {_ONE_PLAN}
FROM agent a WHERE a.key = :me FOR UPDATE OF a"""  # noqa: S608  only names enter this text

_FILTERS = """
  AND NOT EXISTS (
    SELECT 1 FROM exclusion e WHERE e.task = t.id AND e.agent = :me AND (e.until IS NULL OR e.until > :now))
  AND (:no_absence OR t.due_at IS NULL OR t.due_at <= :now OR NOT EXISTS (
    SELECT 1 FROM absence b WHERE b.agent = :me AND b.from_at <= t.due_at AND b.until_at > t.due_at))"""

_TAKE = f"""
WITH known AS MATERIALIZED (
  SELECT i.fingerprint, i.status, i.reply FROM idempotency i
  WHERE i.caller = :by AND i.route = :route AND i.key = :once AND i.at > :kept_since),
own AS MATERIALIZED (
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
  WHERE NOT EXISTS (SELECT 1 FROM known) AND NOT EXISTS (SELECT 1 FROM own) AND (SELECT n FROM held) < :capacity),
picked AS MATERIALIZED (
  SELECT l.id, h.until FROM (SELECT * FROM heads ORDER BY start_by, created_at, id) h CROSS JOIN LATERAL (
    SELECT t.id FROM task t WHERE t.id = h.id AND t.state = 'queued' FOR UPDATE SKIP LOCKED) l LIMIT 1),
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
    jsonb_build_array(e.why) || CASE WHEN :no_absence OR t.due_at IS NULL OR t.due_at <= :now OR NOT EXISTS (
      SELECT 1 FROM absence b WHERE b.agent = :me AND b.from_at <= t.due_at AND b.until_at > t.due_at)
      THEN '[]'::jsonb ELSE '["absent_before_due"]'::jsonb END AS why,
    jsonb_build_object(:me::text, e.why) AS excluded
  FROM (SELECT x.task, max(x.why) AS why FROM exclusion x
    WHERE x.agent = :me AND (x.until IS NULL OR x.until > :now) GROUP BY x.task) e JOIN task t ON t.id = e.task
  WHERE t.state = 'queued' AND t.shape = ANY(:allowed) AND t.start_by < (SELECT start_by FROM taken)
  ORDER BY t.start_by, t.created_at, t.id LIMIT 20),
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
    coalesce(:queue_facts::jsonb -> t.queue ->> 'model', 'dedicated'), :policy FROM taken t)
SELECT (SELECT id FROM own) AS own, (SELECT n FROM held) AS held, (SELECT count(*) FROM heads) AS seen,
  (SELECT token FROM leased) AS token, k.fingerprint, k.status, k.reply,
  (SELECT c.warn_at FROM sla_clock c WHERE c.task = t.id AND c.target = 'completion') AS warn_at, {_OWN_WAYS}, t.*
FROM (SELECT 1) one LEFT JOIN known k ON true LEFT JOIN taken t ON true"""  # noqa: S608  only names of columns enter this text


@dataclass(frozen=True, slots=True)
class Locked:
    """The caller under lock: facts without what they hold, switches and pauses by queue, ids of every shape."""

    person: AgentFacts
    switches: Mapping[str, Any]
    stopped: Mapping[str, Any]
    shapes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What the one statement found: own work that comes first, how much is held, how many heads were seen, the gift.

    ``before``: the reply this very call got when it came for the first time; nothing was taken then.
    """

    own: str | None
    held: int
    seen: int
    task: Task | None = None
    lease: Lease | None = None
    warn_at: datetime | None = None
    before: Stored | None = None


def lock(tx: Tx, me: str) -> Locked | None:
    """Locks the caller and reads what the filters need, in one statement."""
    rows = run(tx.conn, _LOCK_SQL, {"me": me, "now": tx.now})
    if not rows:
        return None
    capacity, shifts, away, switches, stopped, shapes, *plain = rows[0][: -len(_STEADY)]
    absences = tuple((datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in away or ())
    facts = dict(zip(_PLAIN, plain, strict=True))
    person = AgentFacts(**facts, capacity=int(capacity), shifts=weekly(shifts or {}), absences=absences)
    return Locked(person, _by_queue(switches), _by_queue(stopped), shapes or ())


def _by_queue(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {one["queue"]: one for one in rows or ()}


def let_go(tx: Tx) -> None:
    """No take follows the lock: the statements after it are planned as everywhere."""
    run(tx.conn, _LET_GO, {})


def take(
    tx: Tx, person: AgentFacts, queues: Mapping[str, QueueFacts], allowed: Mapping[str, Shape],
    refused: Mapping[str, tuple[Shape, tuple[str, ...]]], call: Call | None = None,
) -> Taken:  # fmt: skip
    """Takes the first head nobody else holds. All heads may be locked: looks wider before saying there is nothing."""
    given = _parameters(tx, person, queues, allowed, refused)
    given |= {"route": call and call.route, "once": call and call.key, "kept_since": tx.real_now - KEPT_FOR}
    for each in HEADS:
        found = _read(run(tx.conn, _SQL, {**given, "each": each})[0], call)
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
        "me": person.key, "now": tx.now, "capacity": person.capacity, "no_absence": not person.absences,
        "queues": _array(queues), "allowed": _array(allowed), "untils": _array(_untils(tx, offers.terms)),
        "paused_queues": offers.paused_queues, "allowed_queues": offers.queues, "refused": _array(refused),
        "refused_queues": _array(shape.queue for shape, _ in refused.values()),
        "refused_why": _array(_json(codes) for _, codes in refused.values()), "act_id": tx.act_id, "by": tx.by.label,
        "kind": tx.act_kind or "task.claim", "lease_handler": tx.flow["lease.expired"][0].handler,
        "decision_id": new_id(), "seen": _json(seen), "policy": tx.policies.hash,
        "queue_facts": offers.facts,
    }  # fmt: skip


class Offers(NamedTuple):
    """The part of a claim's parameters that stays from call to call: what the policies say of queues and shapes."""

    policies: Policies
    served: Mapping[str, QueueFacts]
    queues: str
    terms: tuple[timedelta, ...]
    paused_queues: str
    facts: str


_known: dict[tuple[str, tuple[str, ...]], Offers] = {}
KNOWN = 1_000


def _offers(policies: Policies, allowed: Mapping[str, Shape], queues: Mapping[str, QueueFacts]) -> Offers:
    place = policies.hash, (*allowed, *queues)
    found = _known.get(place)
    if found is None or found.policies is not policies or found.served is not queues:
        if len(_known) >= KNOWN:
            _known.clear()
        found = _known[place] = Offers(
            policies, queues, _array(shape.queue for shape in allowed.values()),
            tuple(_term(policies, shape) for shape in allowed.values()),
            _array(key for key, queue in policies.queues.items() if queue.paused_counts),
            _json({key: queue_facts(queue) for key, queue in queues.items()}),
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


def _array(texts: Iterable[str]) -> str:
    r"""An array as the server writes it: the driver would look at every element of a list.

    >>> print(_array(["front", 'say "hi"']))
    {"front","say \"hi\""}
    """
    return "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"


def _read(row: Any, call: Call | None) -> Taken:
    own, held, seen, token, fingerprint, status, reply, warn_at, *more = row
    if call is not None and fingerprint is not None:
        return Taken(own, held, seen, before=answer(call, fingerprint, status, reply))
    if token is None:
        return Taken(own, held, seen)
    *columns, until = more[len(_STEADY) :]
    task = Task(*columns)
    return Taken(own, held, seen, task, Lease(task.id, task.agent or "", token, until), warn_at)


_TYPES = {
    "now": "timestamptz", "kept_since": "timestamptz", "no_absence": "boolean",
    "queues": "text[]", "paused_queues": "text[]", "allowed": "text[]", "allowed_queues": "text[]",
    "untils": "timestamptz[]", "refused": "text[]", "refused_queues": "text[]", "refused_why": "text[]",
    "each": "bigint", "capacity": "float8",
}  # fmt: skip
_SQL = quick(_TAKE, **_TYPES)
_LOCK_SQL = quick(_LOCK, **_TYPES)
_LET_GO = quick(f"SELECT {_OWN_WAYS}")
