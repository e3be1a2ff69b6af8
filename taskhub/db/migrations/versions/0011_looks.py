"""Connectors look by themselves: what was acted upon early, how far each look has come, and what is missing there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Tables that nothing older knows: nobody waits for a lock."""
    op.create_table(
        "firing",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "record", "field", "value")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("tie", Key, nullable=False),
        sa.Column("taken_at", Instant),
        sa.Column("noted_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firing")),
        if_not_exists=True,
    )
    op.create_index("ix_firing_record", "firing", ["record"], unique=False, if_not_exists=True)
    op.create_index("ix_firing_noted_at", "firing", ["noted_at"], unique=False, if_not_exists=True)
    op.create_table(
        "poll_place",
        *(sa.Column(name, Key, nullable=False) for name in ("connection", "noun")),
        sa.Column("cursor", sa.Text()),
        sa.Column("begun_at", Instant, nullable=False),
        sa.Column("read_at", Instant),
        sa.PrimaryKeyConstraint("connection", "noun", name=op.f("pk_poll_place")),
        if_not_exists=True,
    )
    op.create_table(
        "poll_watch",
        sa.Column("connection", Key, nullable=False),
        *(sa.Column(name, Instant) for name in ("asked_at", "read_at", "looked_at", "seen_at")),
        sa.Column("found", sa.Integer(), server_default="0", nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("refused", "missing", "address")),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_poll_watch")),
        if_not_exists=True,
    )
