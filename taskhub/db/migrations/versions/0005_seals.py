"""Seals over history, and two small indexes by which the figures of a big house are counted.

A new table and new partial indexes: code that does not know them goes on unharmed beside code that does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import create_index
from taskhub.db.types import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
contract = False

LATE = "sla_state in ('at_risk','breached') and state not in ('completed','cancelled')"


def upgrade() -> None:
    op.create_table(
        "seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("first_row", "last_row", "floor", "horizon")),
        sa.Column("size", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("entries", "salts", "hash")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seal")),
        # Making the indexes ends the transaction: a revision that was cut short there is begun again with the table.
        if_not_exists=True,
    )
    create_index("ix_task_blocked", "task", ["queue"], where="state = 'blocked'")
    create_index("ix_task_late", "task", ["queue", "sla_state"], where=LATE)
