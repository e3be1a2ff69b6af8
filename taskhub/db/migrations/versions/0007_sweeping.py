"""Tables whose rows are written over and over are swept early: a parameter of the table, nothing old code could see."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("lease", "message", "sla_clock", "task")
SWEPT = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_cost_delay": "0",
    "autovacuum_analyze_scale_factor": "0.05",
}


def upgrade() -> None:
    """Takes no lock that a reader or a writer would wait for."""
    if op.get_bind().dialect.name != "postgresql":
        return
    settings = ", ".join(f"{name} = {value}" for name, value in SWEPT.items())
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET ({settings})")
