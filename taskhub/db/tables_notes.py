"""What people write about records and tasks, and what they ask each other. A record is noun:id, a task as well."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Text

from taskhub.db.columns import keys, may, must, table, where
from taskhub.db.types import Instant, Json, Key

note = table(  # kind: note link answer; the text of a link is its title; question: what an answer answers
    "note", *keys("id"), *must(Key, "kind", "by"), *must(Text, "text"), *may(Text, "url"), *must(Instant, "at"),
    *may(Instant, "changed_at", "removed_at"), *may(Key, "removed_by", "question"),
    Column("version", Integer, nullable=False, server_default="1"),
)  # fmt: skip
note_on = table(  # where a note hangs; via: the conversion or merge that carried it there
    "note_on", Column("note", Key, ForeignKey("note.id"), primary_key=True), *keys("record"), *must(Instant, "at"),
    *may(Key, "via"), Index("ix_note_on_record", "record", "at", "note"),
    Index("ix_note_on_via", "via", **where("via is not null")),
)  # fmt: skip
question = table(  # state: open answered withdrawn lapsed; passed: who had it before, from when and why
    "question", *keys("id"), Column("task", Key, ForeignKey("task.id"), nullable=False),
    *must(Key, "asked_by", "state"), *may(Key, "record", "asked_of", "instead_of", "because"), *must(Text, "text"),
    *must(Instant, "asked_at"), *may(Instant, "ended_at"), *may(Key, "ended_by", "note"), *may(Text, "answer"),
    *must(Json, "passed"), Column("version", Integer, nullable=False, server_default="1"),
    Index("uq_question_open", "task", unique=True, **where("state = 'open'")),
    Index("ix_question_task", "task"), Index("ix_question_asked_of", "asked_of", "state", "asked_at"),
)  # fmt: skip
