"""Shadows over a long time are worked off in pieces: where each run stands, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
contract = False

TABLE = "shadow_run"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", Key, nullable=False),
        sa.Column("queue", Key, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("asked", Json, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("state", Json),
        sa.Column("result", Json),
        sa.Column("ended_at", Instant),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_run")),
    )
    op.create_index("ix_shadow_run_queue", TABLE, ["queue", "at"], unique=False)
