"""What connectors remember between looks: what was acted upon already, and how far each look has come."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Text, text

from taskhub.db.columns import keys, may, must, table
from taskhub.db.types import Instant, Json, Key

firing = table(  # rules fired because a state showed this value; taken_at: the instant of the change it has absorbed
    "firing", *keys("id"), *must(Key, "record", "field", "value"), *must(Instant, "at"), *must(Key, "tie"),
    *may(Instant, "taken_at"), *must(Instant, "noted_at"),
    Index("ix_firing_record", "record"), Index("ix_firing_noted_at", "noted_at"),
)  # fmt: skip
poll_place = table(  # one object of one connection; begun_at: what was made before is no news
    "poll_place", *keys("connection", "noun"), *may(Text, "cursor"), *must(Instant, "begun_at"),
    *may(Instant, "read_at"),
)  # fmt: skip
crm_option = table(  # of one noun: their field → what it offers to choose from, null where nothing is chosen
    "crm_option", *keys("connection", "noun"), *must(Json, "options"), *must(Instant, "read_at"),
    *may(Instant, "asked_at"),  # the last time, also in vain; null: when it was read
)  # fmt: skip
sending_stop = table(  # a connection that answered 410: nothing is sent to that address until somebody says so
    "sending_stop", *keys("connection"), *must(Text, "address"), *must(Instant, "at"),
)  # fmt: skip
poll_watch = table(  # one connection. asked: which look is in force; address: where an operator says we are reached
    "poll_watch", *keys("connection"), *may(Instant, "asked_at", "read_at", "looked_at", "seen_at"),
    Column("found", Integer, nullable=False, server_default="0"), *may(Text, "refused", "missing", "address"),
    Column("told", Boolean, nullable=False, server_default=text("false")),
)  # fmt: skip
