"""Run by Alembic: hands it the connection and the transaction that taskhub.db.migrate has opened."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
