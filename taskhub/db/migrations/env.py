"""Run by Alembic: hands it the connection that taskhub.db.migrate has opened.

On PostgreSQL each revision is a transaction of its own; on SQLite all of them are one.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
context.run_migrations()
