"""Records that were merged, for whoever asks for one that is gone, and for those who want it back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.columns import where
from taskhub.db.types import Instant, Json, Key

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A table that nothing older knows: nobody waits for a lock."""
    op.create_table(
        "merge",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "gone", "stays", "by")),
        sa.Column("at", Instant, nullable=False),
        sa.Column("done", Json, nullable=False),
        *(sa.Column(name, Key) for name in ("batch", "undone_by")),
        sa.Column("undone_at", Instant),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
        if_not_exists=True,
    )
    op.create_index("uq_merge_live", "merge", ["gone"], unique=True, if_not_exists=True, **where("undone_at is null"))
    op.create_index("ix_merge_stays", "merge", ["stays"], unique=False, if_not_exists=True)
    op.create_index(
        "ix_merge_batch", "merge", ["batch"], unique=False, if_not_exists=True, **where("batch is not null")
    )
