"""A clock remembers by which calendars it ran before, a pause when somebody is reminded of it next.

Columns that may be empty: code that does not know them goes on unharmed beside code that does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what is new; nothing that exists is changed."""
    op.add_column("sla_clock", sa.Column("laps", Json))
    op.add_column("pause", sa.Column("remind_at", Instant))
