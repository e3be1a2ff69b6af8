"""Notices wait for their window, leave as letters, and go as each person wants; an acknowledged ladder starts again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task", sa.Column("ladder_from", Instant))
    for name in ("placed_at", "read_at"):
        op.add_column("notification", sa.Column(name, Instant))
    for name in ("addressee", "topic", "severity", "letter"):
        op.add_column("notification", sa.Column(name, Key))
    op.create_index("ix_notification_agent", "notification", ["agent", "at"])
    op.create_index("ix_notification_letter", "notification", ["letter"])
    waits = sa.text("placed_at is null and severity is not null")
    op.create_index("ix_notification_waits", "notification", ["addressee"], postgresql_where=waits, sqlite_where=waits)
    _letters()


def _letters() -> None:
    op.create_table(
        "letter", sa.Column("id", Key, nullable=False), sa.Column("channel", Key, nullable=False),
        sa.Column("addressee", Key, nullable=False), sa.Column("lane", Key, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False), sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("delivered_at", Instant),
        sa.PrimaryKeyConstraint("id", "channel", name=op.f("pk_letter")),
    )  # fmt: skip
    op.create_index("ix_letter_addressee", "letter", ["addressee", "at"])
    op.create_table(
        "notice_setting", sa.Column("agent", Key, nullable=False), sa.Column("channels", Json),
        sa.Column("ways", Json), sa.Column("quiet_hours", Json), sa.Column("own_address", sa.Text()),
        sa.Column("language", Key), sa.Column("digest_s", sa.Float()), sa.Column("at", Instant, nullable=False),
        sa.Column("by", Key, nullable=False), sa.PrimaryKeyConstraint("agent", name=op.f("pk_notice_setting")),
    )  # fmt: skip
