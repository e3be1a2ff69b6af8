"""Rows of the ledger take turns by the source of what they handle."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column, create_index
from taskhub.db.types import Key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
contract = False

OPEN = "done_at is null and dead_at is null"


def upgrade() -> None:
    add_column("message", sa.Column("source", Key, nullable=False, server_default=""))
    create_index("ix_message_ours", "message", ["due_at", "id"], where=f"source = '' and mode <> 'outside' and {OPEN}")
    create_index("ix_message_source", "message", ["source", "due_at", "id"], where=f"source <> '' and {OPEN}")
