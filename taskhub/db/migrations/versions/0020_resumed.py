"""When workers came back after a gap: offers count from then."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A column that nothing older knows."""
    add_column("sweep", sa.Column("resumed_at", Instant))
