"""Files that were brought in: what was read of them, what they made, what was refused and why; saved mappings."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Text

from taskhub.db.columns import keys, may, must, table
from taskhub.db.types import Instant, Json, Key


def _number(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=False)


import_run = table(  # one file; state: checking checked running ended undoing undone; step: the piece that comes next
    "import_run", *keys("id"), *must(Key, "noun", "digest", "state", "by"), *must(Text, "name"), *may(Key, "agent"),
    *must(Instant, "at"), *must(Integer, "total", "pieces", "step"), *must(Json, "mapping", "options", "counts"),
    *must(Json, "preview"), *may(Instant, "ended_at", "undone_at"), *may(Key, "undone_by"),
    Index("ix_import_run_at", "at"), Index("ix_import_run_digest", "digest"),
)  # fmt: skip
import_piece = table(  # rows of the file, in its order: [[line, cells]…] as JSON, until they are worked off
    "import_piece", *keys("run"), _number("number"), *must(LargeBinary, "rows"),
)  # fmt: skip
import_made = table(  # what a file made; events: under which its moves are kept
    "import_made", *keys("run", "noun", "record"), *must(Integer, "line"), *must(Json, "events"),
)  # fmt: skip
import_refusal = table(  # rows that could not be taken in, as they came
    "import_refusal", *keys("run"), _number("line"), *must(Key, "reason"), *must(Text, "message", "raw"),
)  # fmt: skip
import_mapping = table(  # which column is which field, under a name
    "import_mapping", *keys("noun", "name"), *must(Json, "body"), *must(Key, "by"), *must(Instant, "at"),
)  # fmt: skip
