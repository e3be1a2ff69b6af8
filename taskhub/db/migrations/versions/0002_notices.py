"""Notices wait for their window, leave as letters, and go as each person wants; an acknowledged ladder starts again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import add_column, create_index
from taskhub.db.types import Instant, Json, Key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
contract = False

WAITS = "placed_at is null and severity is not null"


def upgrade() -> None:
    add_column("task", sa.Column("ladder_from", Instant))
    for name in ("placed_at", "read_at"):
        add_column("notification", sa.Column(name, Instant))
    for name in ("addressee", "topic", "severity", "letter"):
        add_column("notification", sa.Column(name, Key))
    _letters()
    # Last, for each ends the transaction: the tables must not stay locked while an index is made.
    create_index("ix_notification_agent", "notification", ["agent", "at"])
    create_index("ix_notification_letter", "notification", ["letter"])
    create_index("ix_notification_waits", "notification", ["addressee"], where=WAITS)


def _letters() -> None:
    op.create_table(
        "letter", sa.Column("id", Key, nullable=False), sa.Column("channel", Key, nullable=False),
        sa.Column("addressee", Key, nullable=False), sa.Column("lane", Key, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False), sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False), sa.Column("delivered_at", Instant),
        sa.PrimaryKeyConstraint("id", "channel", name=op.f("pk_letter")),
        if_not_exists=True,
    )  # fmt: skip
    op.create_index("ix_letter_addressee", "letter", ["addressee", "at"], if_not_exists=True)
    op.create_table(
        "notice_setting", sa.Column("agent", Key, nullable=False), sa.Column("channels", Json),
        sa.Column("ways", Json), sa.Column("quiet_hours", Json), sa.Column("own_address", sa.Text()),
        sa.Column("language", Key), sa.Column("digest_s", sa.Float()), sa.Column("at", Instant, nullable=False),
        sa.Column("by", Key, nullable=False), sa.PrimaryKeyConstraint("agent", name=op.f("pk_notice_setting")),
        if_not_exists=True,
    )  # fmt: skip
