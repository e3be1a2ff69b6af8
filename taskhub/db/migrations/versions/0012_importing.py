"""Files that were brought in are kept piece by piece, with what they made and what was refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taskhub.db.types import Instant, Json, Key

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
contract = False


def upgrade() -> None:
    """Tables that nothing older knows: nobody waits for a lock."""
    op.create_table(
        "import_run",
        *(sa.Column(name, Key, nullable=False) for name in ("id", "noun", "digest", "state", "by")),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agent", Key),
        sa.Column("at", Instant, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("total", "pieces", "step")),
        *(sa.Column(name, Json, nullable=False) for name in ("mapping", "options", "counts", "preview")),
        sa.Column("ended_at", Instant),
        sa.Column("undone_at", Instant),
        sa.Column("undone_by", Key),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
        if_not_exists=True,
    )
    op.create_index("ix_import_run_at", "import_run", ["at"], unique=False, if_not_exists=True)
    op.create_index("ix_import_run_digest", "import_run", ["digest"], unique=False, if_not_exists=True)
    op.create_table(
        "import_piece",
        sa.Column("run", Key, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_import_piece")),
        if_not_exists=True,
    )
    _came_of_it()


def _came_of_it() -> None:
    op.create_table(
        "import_made",
        *(sa.Column(name, Key, nullable=False) for name in ("run", "noun", "record")),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.PrimaryKeyConstraint("run", "noun", "record", name=op.f("pk_import_made")),
        if_not_exists=True,
    )
    op.create_table(
        "import_refusal",
        sa.Column("run", Key, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", Key, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "line", name=op.f("pk_import_refusal")),
        if_not_exists=True,
    )
    op.create_table(
        "import_mapping",
        *(sa.Column(name, Key, nullable=False) for name in ("noun", "name")),
        sa.Column("body", Json, nullable=False),
        sa.Column("by", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("noun", "name", name=op.f("pk_import_mapping")),
        if_not_exists=True,
    )
