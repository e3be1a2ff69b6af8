"""Tables whose rows are written over and over are swept early: a parameter of the table, nothing old code could see."""

from __future__ import annotations

from taskhub.db.migrations.steps import tune

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
contract = False

TABLES = ("lease", "message", "sla_clock", "task")
SWEPT = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_cost_delay": "0",
    "autovacuum_analyze_scale_factor": "0.05",
}


def upgrade() -> None:
    """Takes no lock that a reader or a writer would wait for."""
    for table in TABLES:
        tune(table, SWEPT)
