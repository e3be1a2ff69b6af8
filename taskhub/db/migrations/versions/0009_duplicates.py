"""Duplicates are found by prints and keys of their own; what a look at everything found, and what was denied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Tables that nothing older knows: nobody waits for a lock."""
    op.create_table(
        "duplicate_print",
        sa.Column("record", Key, nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("name", "company", "mail", "phone")),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_duplicate_print")),
        if_not_exists=True,
    )
    op.create_table(
        "duplicate_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record", Key, nullable=False),
        sa.PrimaryKeyConstraint("key", "record", name=op.f("pk_duplicate_key")),
        if_not_exists=True,
        sqlite_with_rowid=False,
    )
    _found()
    op.create_table(
        "duplicate_denial",
        *(sa.Column(name, Key, nullable=False) for name in ("one", "two", "by")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("one", "two", name=op.f("pk_duplicate_denial")),
        if_not_exists=True,
    )


def _found() -> None:
    op.create_table(
        "duplicate_pair",
        *(sa.Column(name, Key, nullable=False) for name in ("one", "two")),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("run", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("one", "two", name=op.f("pk_duplicate_pair")),
        if_not_exists=True,
    )
    op.create_index("ix_duplicate_pair_score", "duplicate_pair", ["score"], unique=False, if_not_exists=True)
    op.create_table(
        "duplicate_run",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "by")),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("done", "total", "found")),
        sa.Column("state", Json),
        sa.Column("ended_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_run")),
        if_not_exists=True,
    )
