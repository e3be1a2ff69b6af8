"""The data model in the order in which data flows. Instants are aware UTC; ids are UUIDv7 hex.

A room with many tables of its own has a page of its own, ``tables_<room>.py``; this page gives all of them on.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)

from taskhub.db import tables_connectors as tables_connectors  # noqa: PLC0414  a page of its own
from taskhub.db import tables_crm as tables_crm  # noqa: PLC0414  so that ``metadata`` knows its tables
from taskhub.db import tables_duplicates as tables_duplicates  # noqa: PLC0414  a page of its own
from taskhub.db import tables_importing as tables_importing  # noqa: PLC0414  the same
from taskhub.db import tables_merges as tables_merges  # noqa: PLC0414  another
from taskhub.db import tables_notes as tables_notes  # noqa: PLC0414
from taskhub.db import tables_sales as tables_sales  # noqa: PLC0414  so that ``metadata`` knows its tables
from taskhub.db import tables_search as tables_search  # noqa: PLC0414
from taskhub.db.columns import BUSY, keys, may, must, table, where
from taskhub.db.columns import metadata as metadata  # noqa: PLC0414  the page gives it on
from taskhub.db.types import Instant, Json, Key, Serial

fence = Sequence("fence", metadata=metadata)  # PostgreSQL; SQLite counts in counter('fence')

# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────────────
counter = table("counter", Column("name", Key, primary_key=True), Column("value", BigInteger, nullable=False))
demo_clock = table(
    "demo_clock", Column("id", Integer, primary_key=True), *must(Instant, "origin"), *must(Float, "speed"),
    *must(Json, "spans"),
)  # fmt: skip
policy_set = table(
    "policy_set", *keys("hash"), *must(Json, "texts", "resolved"), *must(Instant, "at"), *must(Key, "by"),
    Column("activation", Integer, nullable=False, unique=True),  # the highest is the active one
)  # fmt: skip
api_key = table(
    "api_key",
    Column("id", Key, primary_key=True),
    *must(Key, "hash", "role"),
    Column("name", Text, nullable=False),
    Column("agent", Key),
    Column("created_at", Instant, nullable=False),
    *may(Instant, "expires_at", "revoked_at"),
)
idempotency = table(
    "idempotency",
    Column("caller", Key, primary_key=True),
    Column("route", Key, primary_key=True),  # method and route
    Column("key", Key, primary_key=True),
    Column("fingerprint", Key, nullable=False),
    Column("status", SmallInteger),
    Column("reply", LargeBinary),
    Column("at", Instant, nullable=False),
)

# ── intake ───────────────────────────────────────────────────────────────────────────────────────────────────────────
event = table(
    "event",
    Column("id", Key, primary_key=True),
    *must(Key, "source", "external_id", "type"),
    Column("subject", Text),
    Column("connection", Key),
    Column("delivery_key", Key, nullable=False),
    Column("variant", Key, nullable=False, server_default=""),  # the body's hash for a second body under the same key
    Column("body_hash", Key, nullable=False),
    *must(Instant, "occurred_at", "received_at"),
    Column("content_type", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("normalised", Json),
    Column("state", Key, nullable=False),  # received applied ignored quarantined
    Column("reason", Text),
    Column("applied_at", Instant),
    UniqueConstraint("delivery_key", "variant"),
    Index("ix_event_open", "state", "received_at"),
)

# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────
team = table(
    "team",
    Column("key", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Key, nullable=False),  # specialist front_line
    Column("leader", Key),
    Column("managers", Json, nullable=False),
    Column("department", Key),
    Column("version", Integer, nullable=False, server_default="1"),
)
agent = table(
    "agent",
    Column("key", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("team", Key, ForeignKey("team.key"), nullable=False),
    *must(Json, "roles", "skills", "attributes"),
    Column("capacity", Float, nullable=False, server_default="3"),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("shifts", Json),
    Column("language", Key, nullable=False, server_default="en"),
    Column("stand_in", Key),
    Column("external_ids", Json, nullable=False),
    *may(Float, "hours_per_week", "cost_per_hour", "capacity_minutes"),
    *may(Json, "queue_caps", "learning"),  # most held per queue; kinds whose every task is looked at again
    Column("misses", SmallInteger, nullable=False, server_default="0"),  # offers in a row not started in time
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("presence", Key, nullable=False, server_default="offline"),
    *may(Instant, "presence_until", "presence_at"),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("ix_agent_team", "team"),
)
absence = table(
    "absence",
    Column("id", Key, primary_key=True),
    Column("agent", Key, ForeignKey("agent.key"), nullable=False),
    *must(Instant, "from_at", "until_at"),
    Column("reason", Text),
    Column("ramp_for_s", Float),  # how long after the return only a part of the capacity is used
    Index("ix_absence_agent", "agent", "until_at"),
)

# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
shape = table(  # every (queue, kind, level, requires) seen: what one look at a person is decided for
    "shape", *keys("id"), *must(Key, "queue", "kind"), *must(Text, "text"),
)  # fmt: skip
LATE = "sla_state in ('at_risk','breached') and state not in ('completed','cancelled')"
task = table(
    "task",
    Column("id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("title", Text, nullable=False),
    *must(Key, "queue", "shape"),
    Column("state", Key, nullable=False),  # blocked queued assigned in_progress paused completed cancelled
    *must(SmallInteger, "priority", "level"),
    *must(Float, "weight", "minutes"),
    Column("requires", Json, nullable=False),
    Column("agent", Key),
    Column("pinned", Boolean, nullable=False, server_default=text("false")),
    Column("given_at", Instant),
    Column("record", Key),  # noun:id the task is about
    Column("file", Key),  # what waits_for looks inside: one conversion
    *may(Key, "lead", "deal", "event", "rule", "parent"),
    *may(Key, "customer", "checks"),  # noun:id of whom it is done for; the task it is a second look at
    *may(Boolean, "blocking"),  # what follows from the task it checks waits for it
    Column("depth", SmallInteger, nullable=False, server_default="0"),  # chained rules that led here
    Column("origin", Key, unique=True),  # (rule, draft number, change): one effect once
    Column("version_at", Instant),  # version of the change that made it; a closing hits older ones only
    Column("version_tie", Key),
    *must(Json, "waits_for", "blocked_by"),
    Column("blocked_until", Instant),
    Column("created_at", Instant, nullable=False),
    *may(Instant, "occurred_at", "ready_at", "start_by", "due_at"),
    Column("explicit_due", Boolean, nullable=False, server_default=text("false")),
    *may(Key, "sla", "sla_state", "paused_reason"),
    *may(Instant, "paused_until", "paused_at", "started_at", "completed_at"),
    Column("completed_by", Key),
    *may(Text, "outcome", "note"),
    *must(Json, "checklist", "data", "extra_teams"),
    *may(Key, "acknowledged_by"),
    *may(Instant, "acknowledged_at", "ladder_from"),  # steps due up to ladder_from are passed over
    Column("policy_hash", Key, nullable=False),
    Column("waiting_reasons", Json),
    Column("seq", Integer, nullable=False, server_default="0"),  # history rows so far
    Column("version", Integer, nullable=False, server_default="1"),  # rises with acts of people only
    Index("ix_task_waiting", "queue", "shape", "start_by", "created_at", "id", **where("state = 'queued'")),
    Index("ix_task_held", "agent", "state", **where("state in ('assigned','in_progress','paused')")),
    Index("ix_task_record", "record"),
    Index("ix_task_file", "file"),
    Index("ix_task_blocked", "queue", **where("state = 'blocked'")),
    Index("ix_task_parent", "parent", **where("parent is not null")),
    Index("ix_task_deal", "deal", **where("deal is not null")),
    Index("ix_task_lead", "lead", **where("lead is not null")),
    Index("ix_task_customer", "customer", "completed_at", **where("customer is not null")),
    Index("ix_task_checks", "checks", **where("checks is not null")),
    Index("ix_task_done", "completed_by", "completed_at", **where("completed_by is not null")),
    Index("ix_task_late", "queue", "sla_state", **where(LATE)),
    postgresql_with=BUSY,
)
exclusion = table(  # people a task must not go to: declined (until), conflict, not_by (for ever)
    "exclusion",
    Column("task", Key, ForeignKey("task.id"), primary_key=True),
    *keys("agent", "why"),
    Column("until", Instant),
    Index("ix_exclusion_agent", "agent"),
)
lease = table(
    "lease",
    Column("task", Key, primary_key=True),  # no foreign key: it would cost every claim a second look at the task
    Column("agent", Key, nullable=False),
    Column("token", BigInteger, nullable=False, unique=True),
    Column("expires_at", Instant, nullable=False),
    Index("ix_lease_agent", "agent"),
    postgresql_with={"fillfactor": "70", **BUSY},
)
pause = table(
    "pause",
    Column("id", Serial, primary_key=True),
    Column("task", Key, ForeignKey("task.id"), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant),
    *must(Key, "reason", "by"),
    Column("stops_clock", Boolean, nullable=False),
    Column("remind_at", Instant),  # when somebody is reminded of it next, while the task stays paused
    Index("ix_pause_task", "task"),
)
sla_clock = table(  # target: completion first_start; laps: the calendars it ran by before, [[until, set, calendar]]
    "sla_clock", Column("task", Key, ForeignKey("task.id"), primary_key=True), *keys("target"),
    *must(Instant, "started_at"), *may(Instant, "due_at", "warn_at", "warned_at", "breached_at", "met_at"),
    *may(Json, "laps"), postgresql_with=BUSY,
)  # fmt: skip

# A closing or completion is remembered, so that a task made later by an older change ends the same way.
closing = table(
    "closing",
    Column("origin", Key, primary_key=True),
    Column("record", Key, nullable=False),
    Column("verb", Key, nullable=False),  # close complete
    Column("kinds", Json, nullable=False),
    Column("reason", Text),
    Column("version_at", Instant, nullable=False),
    Column("version_tie", Key, nullable=False),
    Column("event", Key),
    Index("ix_closing_record", "record"),
)

# ── assignment ───────────────────────────────────────────────────────────────────────────────────────────────────────
staffing = table(  # switches: the newest whose effective_at has passed wins; model NULL returns to the file
    "staffing",
    Column("id", Key, primary_key=True),
    Column("queue", Key, nullable=False),
    *may(Key, "model", "strategy"),
    *(*must(Json, "params"), *may(Json, "strategy_params")),
    *must(Instant, "effective_at", "at"),
    Column("by", Key, nullable=False),
    Index("ix_staffing_queue", "queue", "effective_at"),
)
loan = table(  # a person lent to a queue for a time
    "loan", *keys("id"), *must(Key, "queue", "agent", "by"), *must(Instant, "from_at", "until_at", "at"),
    Index("ix_loan_agent", "agent", "until_at"), Index("ix_loan_queue", "queue", "until_at"),
)  # fmt: skip
period = table(  # a time in which a queue's start_by goes ahead by ahead_s seconds
    "period", *keys("id"), *must(Key, "queue", "by"), *must(Instant, "from_at", "until_at", "at"),
    *must(Float, "ahead_s"), Index("ix_period_queue", "queue", "until_at"),
)  # fmt: skip
queue_state = table(  # what was said of a queue beside its file: no new work, nothing given
    "queue_state", *keys("queue"), *must(Boolean, "closed", "paused"), *may(Key, "by"), *may(Instant, "at"),
    *may(Text, "reason"),
)  # fmt: skip
pool_state = table(  # what workers found for models that look beyond the person; members NULL = no list
    "pool_state", *keys("queue"), *must(Integer, "version"), *must(Boolean, "open"), *may(Json, "members"),
    *must(Json, "facts"), *must(Instant, "at"),
)  # fmt: skip
duty = table(  # the planned rota: who is on duty for which kinds of a queue
    "duty", *keys("queue", "agent"), Column("from_at", Instant, primary_key=True), *must(Instant, "until_at"),
    *must(Json, "kinds"), Index("ix_duty_until", "queue", "until_at"),
)  # fmt: skip
learnt = table(  # minutes of hands-on time per kind and person; agent '' is the kind as a whole
    "learnt", *keys("kind", "agent"), *must(Integer, "n"), *must(Float, "minutes"), *must(Instant, "at"),
)  # fmt: skip
fairness = table(  # what a person was given on a date of their own zone
    "fairness", *keys("agent", "on"), *must(Integer, "tasks", "hard", "late", "duty"), *must(Float, "minutes"),
)  # fmt: skip
plugin_state = table(  # a foreign model or strategy that failed in a queue
    "plugin_state", *keys("queue", "name"), *must(Integer, "failures"), *must(Text, "error"), *must(Instant, "at"),
)  # fmt: skip
turn = table("turn", *keys("rotation", "agent"), *must(BigInteger, "seq"))
shadow_run = table(  # what another staffing would have done over a long time, worked off in pieces
    "shadow_run", *keys("id"), *must(Key, "queue", "by"), *must(Instant, "at", "since", "until"), *must(Json, "asked"),
    *must(Integer, "done", "total"), *may(Json, "state", "result"), *may(Instant, "ended_at"),
    *may(Text, "error"), Index("ix_shadow_run_queue", "queue", "at"),
)  # fmt: skip
pass_ = table(
    "pass", *keys("id"), *must(Key, "rotation"), *must(Instant, "at"),
    *must(LargeBinary, "head"),  # people, queues, turns; zlib
)  # fmt: skip
pass_block = table(
    "pass_block", *keys("pass"), Column("number", Integer, primary_key=True),
    *must(LargeBinary, "body"),  # how everybody stood, and its tasks; zlib
)  # fmt: skip
decision = table(
    "decision",
    Column("id", Key, primary_key=True),
    Column("task", Key, nullable=False),
    Column("pass_id", Key),
    Column("way", Key, nullable=False),  # push pull manual
    Column("at", Instant, nullable=False),
    Column("outcome", Key, nullable=False),  # assigned waiting
    Column("agent", Key),
    Column("facts", Json, nullable=False),
    *may(Key, "strategy", "strategy_version", "model"),
    Column("policy_hash", Key, nullable=False),
    Index("ix_decision_task", "task", "at"),
    Index("ix_decision_agent", "agent", "at", **where("agent is not null")),
)

# ── escalation ───────────────────────────────────────────────────────────────────────────────────────────────────────
escalation = table(
    "escalation", Column("task", Key, ForeignKey("task.id"), primary_key=True),
    Column("step", Integer, primary_key=True), Column("repetition", Integer, primary_key=True),
    *must(Key, "policy"), *must(Instant, "due_at", "at"), *must(Json, "effects"), *may(Text, "mark"),
    *may(Json, "promise"),
)  # fmt: skip
notification = table(  # what somebody is to know; it waits until placed_at, then goes out with a letter or stands here
    "notification", *keys("id"), *may(Key, "task", "agent"), *must(Text, "address", "subject", "body"),
    *must(Instant, "at"), *may(Instant, "delivered_at", "placed_at", "read_at"),
    *may(Key, "addressee", "topic", "severity", "letter"), Index("ix_notification_task", "task"),
    Index("ix_notification_agent", "agent", "at"), Index("ix_notification_letter", "letter"),
    Index("ix_notification_waits", "addressee", **where("placed_at is null and severity is not null")),
)  # fmt: skip
letter = table(  # one message to one channel of an addressee; holds one notification or several
    "letter", *keys("id", "channel"), *must(Key, "addressee", "lane"), *must(Text, "subject", "body"),
    *must(Instant, "at"), *may(Instant, "delivered_at"), Index("ix_letter_addressee", "addressee", "at"),
)  # fmt: skip
notice_setting = table(  # how a person wants to be told; what is empty is as the house does
    "notice_setting", *keys("agent"), *may(Json, "channels", "ways", "quiet_hours"), *may(Text, "own_address"),
    *may(Key, "language"), *may(Float, "digest_s"), *must(Instant, "at"), *must(Key, "by"),
)  # fmt: skip

# ── the ledger, the history ──────────────────────────────────────────────────────────────────────────────────────────
UNTAKEN = "mode = 'one' and token is null and done_at is null and dead_at is null"
INSIDE = "mode <> 'outside' and done_at is null and dead_at is null"
OF_SOURCES = "source <> '' and done_at is null and dead_at is null"
message = table(
    "message",
    Column("id", Serial, primary_key=True),
    *must(Key, "topic", "handler", "key"),
    Column("source", Key, nullable=False, server_default=""),  # those of different sources take turns; '' is our own
    Column("mode", Key, nullable=False),  # each one outside
    Column("payload", Json, nullable=False),
    *must(Instant, "emitted_at", "due_at"),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("lost", SmallInteger, nullable=False, server_default="0"),  # tries that ended with their process
    Column("token", Key),
    *(*may(Instant, "until", "done_at", "dead_at", "discarded_at"), *may(Text, "error")),
    Index("uq_message_untaken", "handler", "key", unique=True, **where(UNTAKEN)),
    # A look reads only its own kind of rows, however many of the others are due.
    Index("ix_message_ours", "due_at", "id", **where(f"source = '' and {INSIDE}")),
    Index("ix_message_source", "source", "due_at", "id", **where(OF_SOURCES)),
    Index("ix_message_inside", "due_at", **where(INSIDE)),  # for 0.1.0 beside us; goes with the release after next
    Index("ix_message_outside", "due_at", **where("mode = 'outside' and done_at is null and dead_at is null")),
    Index("ix_message_tried", "due_at", **where("attempts > 0 and done_at is null and dead_at is null")),
    Index("ix_message_taken", "handler", "key", **where(UNTAKEN.replace("token is", "token is not"))),
    Index("ix_message_dead", "dead_at", **where("dead_at is not null")),
    sqlite_autoincrement=True,
    postgresql_with=BUSY,
)
act = table(
    "act", *keys("id"), *must(Key, "by"), *must(Instant, "at"), *must(Key, "kind"),
    *must(Json, "touched"),  # [[noun, id, seq]…]
    *may(Json, "inverse"),  # what undo would call; NULL = cannot be undone
    *may(Key, "undone_by"), Index("ix_act_by", "by", "at"),
)  # fmt: skip
history = table(
    "history",
    Column("row", Serial, primary_key=True),
    *must(Key, "noun", "id"),
    Column("seq", Integer, nullable=False),
    Column("act_id", Key, nullable=False),
    Column("at", Instant, nullable=False),
    *must(Key, "by", "act"),
    Column("change", Json, nullable=False),
    Column("xid", BigInteger, nullable=False),
    UniqueConstraint("noun", "id", "seq"),
    sqlite_autoincrement=True,
)
seal = table(  # the chain over history: which rows, what each was when it was sealed, and what that comes to
    "seal", Column("number", BigInteger, primary_key=True, autoincrement=False), *must(Instant, "at"),
    # floor: no row up to this one will come any more; horizon: transactions from here on began after the look
    *must(BigInteger, "first_row", "last_row", "floor", "horizon"), *must(Integer, "size"),
    *must(LargeBinary, "entries", "salts", "hash"),
)  # fmt: skip
job_fired = table(
    "job_fired", *keys("job"), Column("fire_at", Instant, primary_key=True), Column("at", Instant, nullable=False),
)  # fmt: skip
sweep = table(  # ``at`` is real time; ``resumed_at`` is taskhub's, when workers looked again after a gap
    "sweep", Column("id", Integer, primary_key=True), Column("at", Instant, nullable=False),
    Column("resumed_at", Instant),
)  # fmt: skip
