"""What of ours stands in a CRM, and what was asked of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Tables that nothing older knows: nobody waits for a lock."""
    op.create_table(
        "crm_task",
        *(sa.Column(name, Key, nullable=False) for name in ("connection", "task")),
        *(sa.Column(name, Key) for name in ("theirs", "wanted_owner", "owner", "shown")),
        sa.Column("wanted", Key, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("busy", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("tried_at", Instant),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection", "task", name=op.f("pk_crm_task")),
        if_not_exists=True,
    )
    known = sa.text("theirs is not null")
    op.create_index(
        "ix_crm_task_theirs", "crm_task", ["connection", "theirs"], if_not_exists=True,
        postgresql_where=known, sqlite_where=known,
    )  # fmt: skip
    _asked()


def _asked() -> None:
    op.create_table(
        "crm_act",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "connection", "record", "kind", "by", "state")),
        sa.Column("asked", Json, nullable=False),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, Key) for name in ("agent", "job", "account", "contact", "deal")),
        *(sa.Column(name, Instant) for name in ("tried_at", "answered_at", "seen_at", "ended_at")),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crm_act")),
        if_not_exists=True,
    )
    pending, known = sa.text("state = 'pending'"), sa.text("deal is not null")
    for name, columns, where, unique in (
        ("uq_crm_act_pending", ["record"], pending, True),
        ("ix_crm_act_record", ["record", "at"], None, False),
        ("ix_crm_act_deal", ["deal"], known, False),
        ("ix_crm_act_open", ["connection"], pending, False),
    ):
        op.create_index(
            name, "crm_act", columns, unique=unique, if_not_exists=True, postgresql_where=where, sqlite_where=where
        )
