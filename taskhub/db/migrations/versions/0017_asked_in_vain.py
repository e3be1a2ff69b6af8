"""When a CRM was asked what its fields offer, also where it did not say; acts that ended while nobody knew."""

from __future__ import annotations

import sqlalchemy as sa

from taskhub.db.migrations.steps import add_column, create_index
from taskhub.db.types import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Columns and an index that nothing older knows."""
    add_column("crm_option", sa.Column("asked_at", Instant))
    add_column("crm_act", sa.Column("in_doubt_since", Instant))
    create_index("ix_crm_act_in_doubt", "crm_act", ["connection", "at"], where="in_doubt_since is not null")
