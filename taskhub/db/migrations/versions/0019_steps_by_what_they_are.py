"""Which step of a ladder has fired is known by what makes it fall due, and of which promise it was."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Columns that nothing older knows."""
    add_column("escalation", sa.Column("mark", sa.Text()))
    add_column("escalation", sa.Column("promise", Json))
