"""The two statements of the claim on PostgreSQL, as text: the lock that reads the person, the take that does the rest.

Planning the take anew costs more than running it, and the server would do so at every call: it takes the cheapest plan
for the parameters at hand. So the lock asks for the one plan that fits all of them, by index and from heads to rows,
whatever the tables hold at that moment; the take gives the session its own ways back.
"""

from __future__ import annotations

from typing import NamedTuple

from taskhub.db.quick import quick
from taskhub.tasks.model import Task

_COLUMNS = ", ".join(f"t.{name}" for name in Task.__slots__)
PLAIN = (
    "key",
    "team",
    "name",
    "active",
    "skills",
    "attributes",
    "presence",
    "presence_until",
    "time_zone",
    "capacity",
    "capacity_minutes",
    "queue_caps",
    "presence_at",
    "shifts",
    "hours_per_week",
)
STEADY = {"plan_cache_mode": ("force_generic_plan", "auto")}
STEADY |= {f"enable_{way}": ("off", "on") for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")}
_ONE_PLAN, _OWN_WAYS = (
    ", ".join(f"set_config('{name}', '{values[n]}', true)" for name, values in STEADY.items()) for n in (0, 1)
)

_LOCK = f"""
SELECT
  (SELECT jsonb_agg(jsonb_build_array(b.from_at, b.until_at, b.ramp_for_s) ORDER BY b.from_at) FROM absence b
    WHERE b.agent = a.key AND b.until_at > :recently) AS absences,
  (SELECT jsonb_agg(jsonb_build_array(o.queue, o.from_at, o.until_at) ORDER BY o.from_at, o.id) FROM loan o
    WHERE o.agent = a.key AND o.until_at > :now) AS loans,
  (SELECT jsonb_agg(to_jsonb(s)) FROM unnest(:served) k(queue) CROSS JOIN LATERAL (
    SELECT * FROM staffing c WHERE c.queue = k.queue AND c.effective_at <= :now
    ORDER BY c.effective_at DESC, c.id DESC LIMIT 1) s) AS switches,
  (SELECT jsonb_agg(to_jsonb(q)) FROM queue_state q WHERE q.paused) AS stopped,
  (SELECT jsonb_agg(to_jsonb(p)) FROM pool_state p) AS states,
  (SELECT array_agg(h.id) FROM shape h) AS shapes,
  (SELECT array_agg(h.id) FROM shape h WHERE h.queue = ANY(:front_line) AND EXISTS (
    SELECT 1 FROM task t WHERE t.queue = h.queue AND t.shape = h.id AND t.state = 'queued')) AS front_line,
  {", ".join(f"a.{name}" for name in PLAIN)}, {_ONE_PLAN}
FROM agent a WHERE a.key = :me FOR UPDATE OF a"""  # noqa: S608  only names enter this text

FILTERS = """
  AND NOT EXISTS (
    SELECT 1 FROM exclusion e WHERE e.task = t.id AND e.agent = :me AND (e.until IS NULL OR e.until > :now))
  AND (:no_absence OR t.due_at IS NULL OR t.due_at <= :now OR NOT EXISTS (
    SELECT 1 FROM absence b WHERE b.agent = :me AND b.from_at <= t.due_at AND b.until_at > t.due_at))"""

# Why one more task of a shape is too much for this person now: the pure filter ``of_room`` over what is held now.
_FULL = """CASE WHEN (y.kinds ->> o.kind)::bigint >= o.ceiling THEN '["variety_ceiling"]'::jsonb ELSE '[]'::jsonb END
    || CASE WHEN (d.by_queue ->> o.queue)::bigint >= o.cap THEN '["at_capacity"]'::jsonb ELSE '[]'::jsonb END"""


class _Parts(NamedTuple):
    """Where the take of a person with limits of their own differs from that of all others, who pay nothing for it."""

    counts: str
    offers: str
    fits: str
    open: str
    refused: str
    facts: str
    held: str


_SIMPLE = _Parts(
    counts="""held AS MATERIALIZED (
  SELECT count(*) AS n FROM task t WHERE t.agent = :me
    AND (t.state IN ('assigned', 'in_progress') OR (t.state = 'paused' AND t.queue = ANY(:paused_queues)))),""",
    offers="unnest(:allowed, :allowed_queues, :untils) AS o(shape, queue, until)",
    fits="(SELECT n FROM held) < :capacity",
    open="t.shape = ANY(:allowed)",
    refused="(SELECT r.shape, r.queue, r.why::jsonb AS why FROM unnest(:refused, :refused_queues, :refused_why)"
    " AS r(shape, queue, why)) o",
    facts="",
    held="d.n AS held, 0.0::float8 AS minutes, '{}'::jsonb AS by_queue",
)
_LIMITED = _Parts(
    counts=f"""held AS MATERIALIZED (
  SELECT coalesce(sum(x.n), 0)::bigint AS n, coalesce(sum(x.minutes), 0) AS minutes,
    coalesce(jsonb_object_agg(x.queue, x.n) FILTER (WHERE x.n > 0), '{{}}'::jsonb) AS by_queue
  FROM (SELECT t.queue, count(*) AS n, sum(t.minutes) AS minutes FROM task t WHERE t.agent = :me
    AND (t.state IN ('assigned', 'in_progress') OR (t.state = 'paused' AND t.queue = ANY(:paused_queues)))
    GROUP BY t.queue) x),
today AS MATERIALIZED (
  SELECT coalesce(jsonb_object_agg(x.kind, x.n) FILTER (WHERE x.n > 0), '{{}}'::jsonb) AS kinds FROM (
    SELECT y.kind, count(*) AS n FROM (
      SELECT t.kind FROM task t WHERE :ceiled AND t.agent = :me
        AND t.state IN ('assigned', 'in_progress', 'paused') AND t.given_at >= :midnight
      UNION ALL SELECT t.kind FROM task t WHERE :ceiled AND t.completed_by = :me AND t.completed_at >= :midnight
        AND t.given_at >= :midnight AND t.state = 'completed') y GROUP BY y.kind) x),
offers AS MATERIALIZED (
  SELECT o.shape, o.queue, o.until, {_FULL} AS full
  FROM unnest(:allowed, :allowed_queues, :untils, :caps, :kinds, :ceilings)
    AS o(shape, queue, until, cap, kind, ceiling)
  CROSS JOIN held d CROSS JOIN today y),
refused_shapes AS MATERIALIZED (
  SELECT o.shape, o.queue, o.why::jsonb || {_FULL} AS why
  FROM unnest(:refused, :refused_queues, :refused_why, :refused_caps, :refused_kinds, :refused_ceilings)
    AS o(shape, queue, why, cap, kind, ceiling) CROSS JOIN held d CROSS JOIN today y
  UNION ALL SELECT o.shape, o.queue, o.full FROM offers o WHERE o.full <> '[]'::jsonb),""",  # noqa: S608  only what stands here enters this text
    offers="offers o",
    fits="o.full = '[]'::jsonb AND EXISTS (SELECT 1 FROM held d WHERE d.n < :capacity AND d.minutes < :minutes)",
    open="t.shape = ANY(SELECT o.shape FROM offers o WHERE o.full = '[]'::jsonb)",
    refused="refused_shapes o",
    facts="""'held_minutes', (SELECT minutes FROM held), 'held_by_queue', (SELECT by_queue FROM held),
      'kinds_today', (SELECT kinds FROM today),""",
    held="d.n AS held, d.minutes, d.by_queue",
)


_TAKE = f"""
WITH known AS MATERIALIZED (
  SELECT i.fingerprint, i.status, i.reply FROM idempotency i
  WHERE i.caller = :by AND i.route = :route AND i.key = :once AND i.at > :kept_since),
own AS MATERIALIZED (
  SELECT t.id FROM task t WHERE t.agent = :me AND t.queue = ANY(:queues)
    AND (t.state = 'assigned' OR (t.state = 'paused' AND t.paused_until <= :now)) LIMIT 1),
<<counts>>
heads AS MATERIALIZED (
  SELECT h.id, h.start_by, h.created_at, o.until
  FROM <<offers>> CROSS JOIN LATERAL (
    SELECT t.id, t.start_by, t.created_at FROM task t
    WHERE t.queue = o.queue AND t.shape = o.shape AND t.state = 'queued' {FILTERS}
    ORDER BY t.start_by, t.created_at, t.id LIMIT :each) h
  WHERE NOT EXISTS (SELECT 1 FROM known) AND NOT EXISTS (SELECT 1 FROM own) AND <<fits>>),
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
  SELECT h.* FROM <<refused>> CROSS JOIN LATERAL (
    SELECT t.id, t.shape, t.queue, t.start_by, t.created_at, t.weight, t.minutes, t.due_at, o.why,
      '{{}}'::jsonb AS excluded FROM task t
    WHERE t.queue = o.queue AND t.shape = o.shape AND t.state = 'queued'
      AND t.start_by < (SELECT start_by FROM taken) {FILTERS}
    ORDER BY t.start_by, t.created_at, t.id LIMIT 1) h),
excluded_heads AS MATERIALIZED (
  SELECT t.id, t.shape, t.queue, t.start_by, t.created_at, t.weight, t.minutes, t.due_at,
    jsonb_build_array(e.why) || CASE WHEN :no_absence OR t.due_at IS NULL OR t.due_at <= :now OR NOT EXISTS (
      SELECT 1 FROM absence b WHERE b.agent = :me AND b.from_at <= t.due_at AND b.until_at > t.due_at)
      THEN '[]'::jsonb ELSE '["absent_before_due"]'::jsonb END AS why,
    jsonb_build_object(:me::text, e.why) AS excluded
  FROM (SELECT x.task, max(x.why) AS why FROM exclusion x
    WHERE x.agent = :me AND (x.until IS NULL OR x.until > :now) GROUP BY x.task) e JOIN task t ON t.id = e.task
  WHERE t.state = 'queued' AND t.start_by < (SELECT start_by FROM taken)
    AND <<open>>
  ORDER BY t.start_by, t.created_at, t.id LIMIT 20),
passed_over AS MATERIALIZED (
  SELECT * FROM (SELECT * FROM refused_heads UNION ALL SELECT * FROM excluded_heads) x
  ORDER BY x.start_by, x.created_at, x.id LIMIT 20),
decided AS (
  INSERT INTO decision (id, task, way, at, outcome, agent, facts, model, policy_hash)
  SELECT :decision_id, t.id, 'pull', :now, 'assigned', :me,
    jsonb_build_object('pull', :seen::jsonb || jsonb_build_object('held', (SELECT n FROM held),
      <<facts>>
      'queues', (SELECT jsonb_agg((:queue_facts)[array_position(:queues, q.queue)]::jsonb) FROM (
        SELECT t.queue UNION SELECT o.queue FROM passed_over o) q),
      'over', (SELECT coalesce(jsonb_agg(jsonb_build_array(o.id, o.shape, o.start_by, o.created_at, o.weight, o.minutes,
        o.due_at, o.excluded, o.why) ORDER BY o.start_by, o.created_at, o.id), '[]'::jsonb) FROM passed_over o),
      'task', jsonb_build_array(t.id, t.shape, t.start_by, t.created_at, t.weight, t.minutes, t.due_at,
        '{{}}'::jsonb))),
    (:queue_models)[array_position(:queues, t.queue)], :policy FROM taken t)
SELECT (SELECT id FROM own) AS own, <<held>>, (SELECT count(*) FROM heads) AS seen,
  (SELECT token FROM leased) AS token, k.fingerprint, k.status, k.reply,
  (SELECT c.warn_at FROM sla_clock c WHERE c.task = t.id AND c.target = 'completion') AS warn_at, {_OWN_WAYS}, t.*
FROM held d LEFT JOIN known k ON true LEFT JOIN taken t ON true"""  # noqa: S608  only names of columns enter this text


def _take(part: _Parts) -> str:
    text = _TAKE
    for name, words in part._asdict().items():
        text = text.replace(f"<<{name}>>", words)
    return text


_TYPES = {
    "now": "timestamptz", "kept_since": "timestamptz", "recently": "timestamptz", "midnight": "timestamptz",
    "served": "text[]", "no_absence": "boolean", "ceiled": "boolean", "front_line": "text[]", "kinds": "text[]",
    "caps": "float8[]",
    "ceilings": "float8[]", "refused_kinds": "text[]", "refused_caps": "float8[]", "refused_ceilings": "float8[]",
    "queues": "text[]", "queue_facts": "text[]", "queue_models": "text[]",
    "paused_queues": "text[]", "allowed": "text[]", "allowed_queues": "text[]",
    "untils": "timestamptz[]", "refused": "text[]", "refused_queues": "text[]", "refused_why": "text[]",
    "each": "bigint", "capacity": "float8", "minutes": "float8",
}  # fmt: skip
TAKE, TAKE_LIMITED = (quick(_take(part), **_TYPES) for part in (_SIMPLE, _LIMITED))
LOCK = quick(_LOCK, **_TYPES)
LET_GO = quick(f"SELECT {_OWN_WAYS}")
