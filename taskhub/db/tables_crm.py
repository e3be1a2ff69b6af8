"""Tables of writing back: what of ours stands in a CRM."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Text, text

from taskhub.db.columns import keys, may, must, table, where
from taskhub.db.types import Instant, Json, Key

# Our task as a CRM shows it: wanted and wanted_owner say how it is to stand there, shown and owner how it does.
crm_task = table(
    "crm_task", *keys("connection", "task"), *may(Key, "theirs", "wanted_owner", "owner", "shown"),
    *must(Key, "wanted"), *may(Text, "reason"),
    Column("busy", Boolean, nullable=False, server_default=text("false")),  # a delivery is under way
    *may(Instant, "tried_at", "reopened_at"), *must(Instant, "at"),
    Index("ix_crm_task_theirs", "connection", "theirs", **where("theirs is not null")),
    Index("ix_crm_task_in_doubt", "connection", **where("theirs is null and tried_at is not null")),
)  # fmt: skip

# What a person has asked of a CRM about one of its records; the act's id. It ends done, refused or withdrawn.
crm_act = table(
    "crm_act", *keys("id"), *must(Key, "connection", "record", "kind", "by", "state"), *must(Json, "asked"),
    *must(Instant, "at"), *may(Key, "agent", "job", "account", "contact", "deal"),
    *may(Instant, "tried_at", "answered_at", "seen_at", "ended_at"), *may(Text, "reason"),
    *may(Instant, "given_up_at"), *may(Text, "trouble"), *may(Instant, "in_doubt_since"),
    Index("uq_crm_act_pending", "record", unique=True, **where("state = 'pending'")),
    Index("ix_crm_act_record", "record", "at"), Index("ix_crm_act_deal", "deal", **where("deal is not null")),
    Index("ix_crm_act_open", "connection", **where("state = 'pending'")),
    Index("ix_crm_act_in_doubt", "connection", "at", **where("in_doubt_since is not null")),
)  # fmt: skip
