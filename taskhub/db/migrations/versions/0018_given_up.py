"""Dead rows can be given up; what could not be applied no longer counts as waiting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.migrations.steps import add_column
from taskhub.db.types import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
contract = False

SET_ASIDE = """
UPDATE event SET state = 'quarantined', reason = 'could_not_apply: its row in the ledger is dead'
WHERE state = 'received' AND id IN (
  SELECT key FROM message WHERE dead_at IS NOT NULL AND handler IN ('event.apply', 'event.apply_stated'))"""


def upgrade() -> None:
    """A column that nothing older knows; events of dead rows get the state that those of later ones have."""
    add_column("message", sa.Column("discarded_at", Instant))
    op.execute(SET_ASIDE)
    # They are older than what the sweep over bodies has seen: it begins once more.
    op.execute("UPDATE counter SET value = 0 WHERE name = 'bodies.quarantined'")
