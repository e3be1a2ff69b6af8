"""Notes and links, questions to reps, and what records and tasks are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Tables that nothing older knows: nobody waits for a lock."""
    _notes()
    _questions()
    _search()


def _notes() -> None:
    op.create_table(
        "note",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "kind", "by")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, Instant) for name in ("changed_at", "removed_at")),
        *(sa.Column(name, Key) for name in ("removed_by", "question")),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        if_not_exists=True,
    )
    op.create_table(
        "note_on",
        *(sa.Column(name, Key, nullable=False) for name in ("note", "record")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("via", Key),
        sa.ForeignKeyConstraint(["note"], ["note.id"], name=op.f("fk_note_on_note")),
        sa.PrimaryKeyConstraint("note", "record", name=op.f("pk_note_on")),
        if_not_exists=True,
    )
    carried = sa.text("via is not null")
    op.create_index("ix_note_on_record", "note_on", ["record", "at", "note"], unique=False, if_not_exists=True)
    op.create_index(
        "ix_note_on_via", "note_on", ["via"], unique=False, if_not_exists=True, postgresql_where=carried,
        sqlite_where=carried,
    )  # fmt: skip


def _questions() -> None:
    op.create_table(
        "question",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "task", "asked_by", "state")),
        *(sa.Column(name, Key) for name in ("record", "asked_of", "instead_of", "because")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("ended_at", Instant),
        *(sa.Column(name, Key) for name in ("ended_by", "note")),
        sa.Column("answer", sa.Text()),
        sa.Column("passed", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.ForeignKeyConstraint(["task"], ["task.id"], name=op.f("fk_question_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        if_not_exists=True,
    )
    still = sa.text("state = 'open'")
    op.create_index(
        "uq_question_open", "question", ["task"], unique=True, if_not_exists=True, postgresql_where=still,
        sqlite_where=still,
    )  # fmt: skip
    op.create_index("ix_question_task", "question", ["task"], unique=False, if_not_exists=True)
    mine = ["asked_of", "state", "asked_at"]
    op.create_index("ix_question_asked_of", "question", mine, unique=False, if_not_exists=True)


def _search() -> None:
    op.create_table(
        "search_entry",
        *(sa.Column(name, Key, nullable=False) for name in ("record", "noun")),
        sa.Column("owner", Key),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_search_entry")),
        if_not_exists=True,
    )
    op.create_index("ix_search_entry_owner", "search_entry", ["owner"], unique=False, if_not_exists=True)
    op.create_table(
        "search_word",
        *(sa.Column(name, Key, nullable=False) for name in ("word", "record")),
        sa.PrimaryKeyConstraint("word", "record", name=op.f("pk_search_word")),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_part", *(sa.Column(name, Key, nullable=False) for name in ("part", "word")), if_not_exists=True
    )
    op.create_index("ix_search_part_part", "search_part", ["part", "word"], unique=False, if_not_exists=True)
    op.create_table(
        "search_fill",
        *(sa.Column(name, Key, nullable=False) for name in ("noun", "after")),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("noun", name=op.f("pk_search_fill")),
        if_not_exists=True,
    )
