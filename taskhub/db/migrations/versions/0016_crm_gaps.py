"""Labels of what people choose from in a CRM, and acts asked of one that are not tried any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Instant, Json, Key

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A table and columns that nothing older knows."""
    op.create_table(
        "crm_option",
        *(sa.Column(name, Key, nullable=False) for name in ("connection", "noun")),
        sa.Column("options", Json, nullable=False),
        sa.Column("read_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection", "noun", name=op.f("pk_crm_option")),
        if_not_exists=True,
    )
    add_column("crm_act", sa.Column("given_up_at", Instant))
    add_column("crm_act", sa.Column("trouble", sa.Text()))
