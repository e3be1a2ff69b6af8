"""Records that were merged: which one went into which, what was done for it, and whether it was taken back."""

from __future__ import annotations

from sqlalchemy import Index

from taskhub.db.columns import keys, may, must, table, where
from taskhub.db.types import Instant, Json, Key

merge = table(  # gone, stays: noun:id; done: what undo needs; batch: those that were done together
    "merge", *keys("id"), *must(Key, "gone", "stays", "by"), *must(Instant, "at"), *must(Json, "done"),
    *may(Key, "batch", "undone_by"), *may(Instant, "undone_at"),
    Index("uq_merge_live", "gone", unique=True, **where("undone_at is null")), Index("ix_merge_stays", "stays"),
    Index("ix_merge_batch", "batch", **where("batch is not null")),
)  # fmt: skip
