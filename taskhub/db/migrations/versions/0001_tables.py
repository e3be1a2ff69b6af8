"""The tables as they were first released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key, Serial

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# fmt: off


def _part_1() -> None:
    op.create_table("account", sa.Column("id", Key, nullable=False), sa.Column("connection", Key),
        sa.Column("status", Key), sa.Column("stage", Key), sa.Column("owner", Key),
        sa.Column("fields", Json, nullable=False), sa.Column("versions", Json, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False), sa.Column("last_changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")))
    op.create_index("ix_account_owner", "account", ["owner"], unique=False)
    op.create_table("act", sa.Column("id", Key, nullable=False), sa.Column("by", Key, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("kind", Key, nullable=False),
        sa.Column("touched", Json, nullable=False), sa.Column("inverse", Json), sa.Column("undone_by", Key),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act")))
    op.create_index("ix_act_by", "act", ["by", "at"], unique=False)
    op.create_table("activity", sa.Column("id", Key, nullable=False), sa.Column("connection", Key),
        sa.Column("status", Key), sa.Column("stage", Key), sa.Column("owner", Key),
        sa.Column("fields", Json, nullable=False), sa.Column("versions", Json, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False), sa.Column("last_changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")))
    op.create_index("ix_activity_owner", "activity", ["owner"], unique=False)
    op.create_table("api_key", sa.Column("id", Key, nullable=False), sa.Column("hash", Key, nullable=False),
        sa.Column("role", Key, nullable=False), sa.Column("name", sa.Text(), nullable=False), sa.Column("agent", Key),
        sa.Column("created_at", Instant, nullable=False), sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant), sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")))
    op.create_table("closing", sa.Column("origin", Key, nullable=False), sa.Column("record", Key, nullable=False),
        sa.Column("verb", Key, nullable=False), sa.Column("kinds", Json, nullable=False),
        sa.Column("reason", sa.Text()), sa.Column("version_at", Instant, nullable=False),
        sa.Column("version_tie", Key, nullable=False), sa.Column("event", Key),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_closing")))
    op.create_index("ix_closing_record", "closing", ["record"], unique=False)
    op.create_table("contact", sa.Column("id", Key, nullable=False), sa.Column("connection", Key),
        sa.Column("status", Key), sa.Column("stage", Key), sa.Column("owner", Key),
        sa.Column("fields", Json, nullable=False), sa.Column("versions", Json, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False), sa.Column("last_changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")))
    op.create_index("ix_contact_owner", "contact", ["owner"], unique=False)
    op.create_table("counter", sa.Column("name", Key, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False), sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")))


def _part_2() -> None:
    op.create_table("deal", sa.Column("id", Key, nullable=False), sa.Column("connection", Key),
        sa.Column("status", Key), sa.Column("stage", Key), sa.Column("owner", Key),
        sa.Column("fields", Json, nullable=False), sa.Column("versions", Json, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False), sa.Column("last_changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal")))
    op.create_index("ix_deal_owner", "deal", ["owner"], unique=False)
    op.create_table("decision", sa.Column("id", Key, nullable=False), sa.Column("task", Key, nullable=False),
        sa.Column("pass_id", Key), sa.Column("way", Key, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.Column("outcome", Key, nullable=False), sa.Column("agent", Key), sa.Column("facts", Json, nullable=False),
        sa.Column("strategy", Key), sa.Column("strategy_version", Key), sa.Column("model", Key),
        sa.Column("policy_hash", Key, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")))
    op.create_index("ix_decision_agent", "decision", ["agent", "at"], unique=False,
        postgresql_where=sa.text("agent is not null"), sqlite_where=sa.text("agent is not null"))
    op.create_index("ix_decision_task", "decision", ["task", "at"], unique=False)
    op.create_table("demo_clock", sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", Instant, nullable=False), sa.Column("speed", sa.Float(), nullable=False),
        sa.Column("spans", Json, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_demo_clock")))
    op.create_table("duty", sa.Column("queue", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("from_at", Instant, nullable=False), sa.Column("until_at", Instant, nullable=False),
        sa.Column("kinds", Json, nullable=False),
        sa.PrimaryKeyConstraint("queue", "agent", "from_at", name=op.f("pk_duty")))
    op.create_index("ix_duty_until", "duty", ["queue", "until_at"], unique=False)
    op.create_table("event", sa.Column("id", Key, nullable=False), sa.Column("source", Key, nullable=False),
        sa.Column("external_id", Key, nullable=False), sa.Column("type", Key, nullable=False),
        sa.Column("subject", sa.Text()), sa.Column("connection", Key), sa.Column("delivery_key", Key, nullable=False),
        sa.Column("variant", Key, server_default="", nullable=False), sa.Column("body_hash", Key, nullable=False),
        sa.Column("occurred_at", Instant, nullable=False), sa.Column("received_at", Instant, nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False), sa.Column("headers", Json, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False), sa.Column("normalised", Json),
        sa.Column("state", Key, nullable=False), sa.Column("reason", sa.Text()), sa.Column("applied_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("delivery_key", "variant", name=op.f("uq_event_delivery_key_variant")))
    op.create_index("ix_event_open", "event", ["state", "received_at"], unique=False)
    op.create_table("fairness", sa.Column("agent", Key, nullable=False), sa.Column("on", Key, nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False), sa.Column("hard", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False), sa.Column("duty", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "on", name=op.f("pk_fairness")))


def _part_3() -> None:
    op.create_table("history", sa.Column("row", Serial, nullable=False), sa.Column("noun", Key, nullable=False),
        sa.Column("id", Key, nullable=False), sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("act_id", Key, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.Column("by", Key, nullable=False), sa.Column("act", Key, nullable=False),
        sa.Column("change", Json, nullable=False), sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_history")),
        sa.UniqueConstraint("noun", "id", "seq", name=op.f("uq_history_noun_id_seq")), sqlite_autoincrement=True)
    op.create_table("idempotency", sa.Column("caller", Key, nullable=False), sa.Column("route", Key, nullable=False),
        sa.Column("key", Key, nullable=False), sa.Column("fingerprint", Key, nullable=False),
        sa.Column("status", sa.SmallInteger()), sa.Column("reply", sa.LargeBinary()),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("caller", "route", "key", name=op.f("pk_idempotency")))
    op.create_table("job_fired", sa.Column("job", Key, nullable=False), sa.Column("fire_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.PrimaryKeyConstraint("job", "fire_at", name=op.f("pk_job_fired")))
    op.create_table("lead", sa.Column("id", Key, nullable=False), sa.Column("connection", Key),
        sa.Column("status", Key), sa.Column("stage", Key), sa.Column("owner", Key),
        sa.Column("fields", Json, nullable=False), sa.Column("versions", Json, nullable=False),
        sa.Column("first_seen_at", Instant, nullable=False), sa.Column("last_changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")))
    op.create_index("ix_lead_owner", "lead", ["owner"], unique=False)
    op.create_table("learnt", sa.Column("kind", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False), sa.Column("minutes", sa.Float(), nullable=False),
        sa.Column("at", Instant, nullable=False), sa.PrimaryKeyConstraint("kind", "agent", name=op.f("pk_learnt")))
    op.create_table("lease", sa.Column("task", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False), sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("task", name=op.f("pk_lease")),
        sa.UniqueConstraint("token", name=op.f("uq_lease_token")), postgresql_with={"fillfactor": "70"})
    op.create_index("ix_lease_agent", "lease", ["agent"], unique=False)
    op.create_table("loan", sa.Column("id", Key, nullable=False), sa.Column("queue", Key, nullable=False),
        sa.Column("agent", Key, nullable=False), sa.Column("by", Key, nullable=False),
        sa.Column("from_at", Instant, nullable=False), sa.Column("until_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")))
    op.create_index("ix_loan_agent", "loan", ["agent", "until_at"], unique=False)
    op.create_index("ix_loan_queue", "loan", ["queue", "until_at"], unique=False)


def _part_4() -> None:
    op.create_table("message", sa.Column("id", Serial, nullable=False), sa.Column("topic", Key, nullable=False),
        sa.Column("handler", Key, nullable=False), sa.Column("key", Key, nullable=False),
        sa.Column("mode", Key, nullable=False), sa.Column("payload", Json, nullable=False),
        sa.Column("emitted_at", Instant, nullable=False), sa.Column("due_at", Instant, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("lost", sa.SmallInteger(), server_default="0", nullable=False), sa.Column("token", Key),
        sa.Column("until", Instant), sa.Column("done_at", Instant), sa.Column("dead_at", Instant),
        sa.Column("error", sa.Text()), sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sqlite_autoincrement=True)
    op.create_index("ix_message_dead", "message", ["dead_at"], unique=False,
        postgresql_where=sa.text("dead_at is not null"), sqlite_where=sa.text("dead_at is not null"))
    op.create_index("ix_message_inside", "message", ["due_at"], unique=False,
        postgresql_where=sa.text("mode <> 'outside' and done_at is null and dead_at is null"),
        sqlite_where=sa.text("mode <> 'outside' and done_at is null and dead_at is null"))
    op.create_index("ix_message_outside", "message", ["due_at"], unique=False,
        postgresql_where=sa.text("mode = 'outside' and done_at is null and dead_at is null"),
        sqlite_where=sa.text("mode = 'outside' and done_at is null and dead_at is null"))
    op.create_index("ix_message_taken", "message", ["handler", "key"], unique=False,
        postgresql_where=sa.text("mode = 'one' and token is not null and done_at is null and dead_at is null"),
        sqlite_where=sa.text("mode = 'one' and token is not null and done_at is null and dead_at is null"))
    op.create_index("ix_message_tried", "message", ["due_at"], unique=False,
        postgresql_where=sa.text("attempts > 0 and done_at is null and dead_at is null"),
        sqlite_where=sa.text("attempts > 0 and done_at is null and dead_at is null"))
    op.create_index("uq_message_untaken", "message", ["handler", "key"], unique=True,
        postgresql_where=sa.text("mode = 'one' and token is null and done_at is null and dead_at is null"),
        sqlite_where=sa.text("mode = 'one' and token is null and done_at is null and dead_at is null"))
    op.create_table("notification", sa.Column("id", Key, nullable=False), sa.Column("task", Key),
        sa.Column("agent", Key), sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False), sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("delivered_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")))
    op.create_index("ix_notification_task", "notification", ["task"], unique=False)
    op.create_table("pass", sa.Column("id", Key, nullable=False), sa.Column("rotation", Key, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pass")))
    op.create_table("pass_block", sa.Column("pass", Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False), sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pass", "number", name=op.f("pk_pass_block")))


def _part_5() -> None:
    op.create_table("period", sa.Column("id", Key, nullable=False), sa.Column("queue", Key, nullable=False),
        sa.Column("by", Key, nullable=False), sa.Column("from_at", Instant, nullable=False),
        sa.Column("until_at", Instant, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.Column("ahead_s", sa.Float(), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_period")))
    op.create_index("ix_period_queue", "period", ["queue", "until_at"], unique=False)
    op.create_table("plugin_state", sa.Column("queue", Key, nullable=False), sa.Column("name", Key, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False), sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("queue", "name", name=op.f("pk_plugin_state")))
    op.create_table("policy_set", sa.Column("hash", Key, nullable=False), sa.Column("texts", Json, nullable=False),
        sa.Column("resolved", Json, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.Column("by", Key, nullable=False), sa.Column("activation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_policy_set")),
        sa.UniqueConstraint("activation", name=op.f("uq_policy_set_activation")))
    op.create_table("pool_state", sa.Column("queue", Key, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False), sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("members", Json), sa.Column("facts", Json, nullable=False), sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_pool_state")))
    op.create_table("queue_state", sa.Column("queue", Key, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False), sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("by", Key), sa.Column("at", Instant), sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("queue", name=op.f("pk_queue_state")))
    op.create_table("shape", sa.Column("id", Key, nullable=False), sa.Column("queue", Key, nullable=False),
        sa.Column("kind", Key, nullable=False), sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shape")))
    op.create_table("staffing", sa.Column("id", Key, nullable=False), sa.Column("queue", Key, nullable=False),
        sa.Column("model", Key), sa.Column("strategy", Key), sa.Column("params", Json, nullable=False),
        sa.Column("strategy_params", Json), sa.Column("effective_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("by", Key, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staffing")))
    op.create_index("ix_staffing_queue", "staffing", ["queue", "effective_at"], unique=False)
    op.create_table("sweep", sa.Column("id", sa.Integer(), nullable=False), sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweep")))


def _part_6() -> None:
    op.create_table("task", sa.Column("id", Key, nullable=False), sa.Column("kind", Key, nullable=False),
        sa.Column("title", sa.Text(), nullable=False), sa.Column("queue", Key, nullable=False),
        sa.Column("shape", Key, nullable=False), sa.Column("state", Key, nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False), sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False), sa.Column("minutes", sa.Float(), nullable=False),
        sa.Column("requires", Json, nullable=False), sa.Column("agent", Key),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("given_at", Instant), sa.Column("record", Key), sa.Column("file", Key), sa.Column("lead", Key),
        sa.Column("deal", Key), sa.Column("event", Key), sa.Column("rule", Key), sa.Column("parent", Key),
        sa.Column("customer", Key), sa.Column("checks", Key), sa.Column("blocking", sa.Boolean()),
        sa.Column("depth", sa.SmallInteger(), server_default="0", nullable=False), sa.Column("origin", Key),
        sa.Column("version_at", Instant), sa.Column("version_tie", Key), sa.Column("waits_for", Json, nullable=False),
        sa.Column("blocked_by", Json, nullable=False), sa.Column("blocked_until", Instant),
        sa.Column("created_at", Instant, nullable=False), sa.Column("occurred_at", Instant),
        sa.Column("ready_at", Instant), sa.Column("start_by", Instant), sa.Column("due_at", Instant),
        sa.Column("explicit_due", sa.Boolean(), server_default=sa.text("false"), nullable=False), sa.Column("sla", Key),
        sa.Column("sla_state", Key), sa.Column("paused_reason", Key), sa.Column("paused_until", Instant),
        sa.Column("paused_at", Instant), sa.Column("started_at", Instant), sa.Column("completed_at", Instant),
        sa.Column("completed_by", Key), sa.Column("outcome", sa.Text()), sa.Column("note", sa.Text()),
        sa.Column("checklist", Json, nullable=False), sa.Column("data", Json, nullable=False),
        sa.Column("extra_teams", Json, nullable=False), sa.Column("acknowledged_by", Key),
        sa.Column("acknowledged_at", Instant), sa.Column("policy_hash", Key, nullable=False),
        sa.Column("waiting_reasons", Json), sa.Column("seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")), sa.UniqueConstraint("origin", name=op.f("uq_task_origin")))
    op.create_index("ix_task_checks", "task", ["checks"], unique=False, postgresql_where=sa.text("checks is not null"),
        sqlite_where=sa.text("checks is not null"))
    op.create_index("ix_task_customer", "task", ["customer", "completed_at"], unique=False,
        postgresql_where=sa.text("customer is not null"), sqlite_where=sa.text("customer is not null"))
    op.create_index("ix_task_deal", "task", ["deal"], unique=False, postgresql_where=sa.text("deal is not null"),
        sqlite_where=sa.text("deal is not null"))
    op.create_index("ix_task_done", "task", ["completed_by", "completed_at"], unique=False,
        postgresql_where=sa.text("completed_by is not null"), sqlite_where=sa.text("completed_by is not null"))
    op.create_index("ix_task_file", "task", ["file"], unique=False)
    op.create_index("ix_task_held", "task", ["agent", "state"], unique=False,
        postgresql_where=sa.text("state in ('assigned','in_progress','paused')"),
        sqlite_where=sa.text("state in ('assigned','in_progress','paused')"))


def _part_7() -> None:
    op.create_index("ix_task_lead", "task", ["lead"], unique=False, postgresql_where=sa.text("lead is not null"),
        sqlite_where=sa.text("lead is not null"))
    op.create_index("ix_task_parent", "task", ["parent"], unique=False, postgresql_where=sa.text("parent is not null"),
        sqlite_where=sa.text("parent is not null"))
    op.create_index("ix_task_record", "task", ["record"], unique=False)
    op.create_index("ix_task_waiting", "task", ["queue", "shape", "start_by", "created_at", "id"], unique=False,
        postgresql_where=sa.text("state = 'queued'"), sqlite_where=sa.text("state = 'queued'"))
    op.create_table("team", sa.Column("key", Key, nullable=False), sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", Key, nullable=False), sa.Column("leader", Key), sa.Column("managers", Json, nullable=False),
        sa.Column("department", Key), sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_team")))
    op.create_table("turn", sa.Column("rotation", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rotation", "agent", name=op.f("pk_turn")))
    op.create_table("agent", sa.Column("key", Key, nullable=False), sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()), sa.Column("team", Key, nullable=False), sa.Column("roles", Json, nullable=False),
        sa.Column("skills", Json, nullable=False), sa.Column("attributes", Json, nullable=False),
        sa.Column("capacity", sa.Float(), server_default="3", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False), sa.Column("shifts", Json),
        sa.Column("language", Key, server_default="en", nullable=False), sa.Column("stand_in", Key),
        sa.Column("external_ids", Json, nullable=False), sa.Column("hours_per_week", sa.Float()),
        sa.Column("cost_per_hour", sa.Float()), sa.Column("capacity_minutes", sa.Float()),
        sa.Column("queue_caps", Json), sa.Column("learning", Json),
        sa.Column("misses", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("presence", Key, server_default="offline", nullable=False), sa.Column("presence_until", Instant),
        sa.Column("presence_at", Instant), sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["team"], ["team.key"], name=op.f("fk_agent_team")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_agent")))
    op.create_index("ix_agent_team", "agent", ["team"], unique=False)
    op.create_table("escalation", sa.Column("task", Key, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False), sa.Column("repetition", sa.Integer(), nullable=False),
        sa.Column("policy", Key, nullable=False), sa.Column("due_at", Instant, nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("effects", Json, nullable=False),
        sa.ForeignKeyConstraint(["task"], ["task.id"], name=op.f("fk_escalation_task")),
        sa.PrimaryKeyConstraint("task", "step", "repetition", name=op.f("pk_escalation")))


def _part_8() -> None:
    op.create_table("exclusion", sa.Column("task", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("why", Key, nullable=False), sa.Column("until", Instant),
        sa.ForeignKeyConstraint(["task"], ["task.id"], name=op.f("fk_exclusion_task")),
        sa.PrimaryKeyConstraint("task", "agent", "why", name=op.f("pk_exclusion")))
    op.create_index("ix_exclusion_agent", "exclusion", ["agent"], unique=False)
    op.create_table("pause", sa.Column("id", Serial, nullable=False), sa.Column("task", Key, nullable=False),
        sa.Column("from_at", Instant, nullable=False), sa.Column("to_at", Instant),
        sa.Column("reason", Key, nullable=False), sa.Column("by", Key, nullable=False),
        sa.Column("stops_clock", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["task"], ["task.id"], name=op.f("fk_pause_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")))
    op.create_index("ix_pause_task", "pause", ["task"], unique=False)
    op.create_table("sla_clock", sa.Column("task", Key, nullable=False), sa.Column("target", Key, nullable=False),
        sa.Column("started_at", Instant, nullable=False), sa.Column("due_at", Instant), sa.Column("warn_at", Instant),
        sa.Column("warned_at", Instant), sa.Column("breached_at", Instant), sa.Column("met_at", Instant),
        sa.ForeignKeyConstraint(["task"], ["task.id"], name=op.f("fk_sla_clock_task")),
        sa.PrimaryKeyConstraint("task", "target", name=op.f("pk_sla_clock")))
    op.create_table("absence", sa.Column("id", Key, nullable=False), sa.Column("agent", Key, nullable=False),
        sa.Column("from_at", Instant, nullable=False), sa.Column("until_at", Instant, nullable=False),
        sa.Column("reason", sa.Text()), sa.Column("ramp_for_s", sa.Float()),
        sa.ForeignKeyConstraint(["agent"], ["agent.key"], name=op.f("fk_absence_agent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")))
    op.create_index("ix_absence_agent", "absence", ["agent", "until_at"], unique=False)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("fence")))
    _part_1()
    _part_2()
    _part_3()
    _part_4()
    _part_5()
    _part_6()
    _part_7()
    _part_8()
