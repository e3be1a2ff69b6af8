"""Labels of what people choose from in a CRM, acts asked of one that are not tried any more, writings in doubt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import add_column, create_index
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
    create_index("ix_crm_task_in_doubt", "crm_task", ["connection"], where="theirs is null and tried_at is not null")
