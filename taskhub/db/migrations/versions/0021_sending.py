"""Who has asked not to be sent events any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Key

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A table that nothing older knows."""
    op.create_table(
        "sending_stop",
        sa.Column("connection", Key, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_sending_stop")),
        if_not_exists=True,
    )
