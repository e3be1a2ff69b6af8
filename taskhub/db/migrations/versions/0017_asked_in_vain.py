"""When a CRM was asked what its fields offer, also where it did not say; ended acts by what they asked for."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A column that nothing older knows."""
    add_column("crm_option", sa.Column("asked_at", Instant))
