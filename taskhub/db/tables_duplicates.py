"""What duplicates are found by, and what came of looking. A record is noun:id; ``one`` of two sorts first."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, Text

from taskhub.db.columns import keys, may, must, table
from taskhub.db.types import Instant, Json, Key

duplicate_print = table(  # what of a record tells whom it stands for, in comparable form
    "duplicate_print", *keys("record"), *may(Text, "name", "company", "mail", "phone"),
)  # fmt: skip
duplicate_key = table(  # under what it is looked for
    "duplicate_key", Column("key", BigInteger, primary_key=True, autoincrement=False), *keys("record"),
    sqlite_with_rowid=False,
)  # fmt: skip
duplicate_pair = table(  # what the newest run over everything found
    "duplicate_pair", *keys("one", "two"), Column("score", Float, nullable=False, index=True), *must(Json, "reasons"),
    *must(Key, "run"), *must(Instant, "at"),
)  # fmt: skip
duplicate_denial = table(  # somebody said that these two are not the same
    "duplicate_denial", *keys("one", "two"), *must(Key, "by"), *must(Instant, "at"), *may(Text, "reason"),
)  # fmt: skip
duplicate_run = table(  # one look at everything, worked off in pieces
    "duplicate_run", *keys("id"), *must(Key, "by"), *must(Instant, "at"), *must(Integer, "done", "total", "found"),
    *may(Json, "state"), *may(Instant, "ended_at"),
)  # fmt: skip
