"""When a task of ours was opened again in a CRM: older words of its end that come late do not end it."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """A column that may be empty, and that nothing older knows."""
    add_column("crm_task", sa.Column("reopened_at", Instant))
