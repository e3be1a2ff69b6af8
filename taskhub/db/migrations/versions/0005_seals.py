"""Seals over history, and two small indexes by which the figures of a big house are counted.

A new table and new partial indexes: code that does not know them goes on unharmed beside code that does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant

revision = "0005"
down_revision = "0001"
branch_labels = None
depends_on = None

BLOCKED = "state = 'blocked'"
LATE = "sla_state in ('at_risk','breached') and state not in ('completed','cancelled')"


def upgrade() -> None:
    """Adds what is new; nothing that exists is changed."""
    op.create_table(
        "seal",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("first_row", "last_row", "floor", "horizon")),
        sa.Column("size", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("entries", "salts", "hash")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seal")),
    )
    _index("ix_task_blocked", ["queue"], BLOCKED)
    _index("ix_task_late", ["queue", "sla_state"], LATE)


def _index(name: str, columns: list[str], condition: str) -> None:
    which = {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}
    op.create_index(name, "task", columns, unique=False, **which)  # type: ignore[arg-type]
