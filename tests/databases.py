"""A fresh database for a test: copied from a template, migrated once per run (PostgreSQL) or worker (SQLite)."""

import os
import shutil
import sqlite3
import uuid
from pathlib import Path

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool


def migrate(url: str) -> None:
    """Bring the database to the newest version of the tables."""
    from taskhub.db.migrate import upgrade

    upgrade(url)


class PostgresDatabases:
    """Databases of one test run on one server; `prefix` keeps runs on a shared server apart."""

    def __init__(self, server_url: str, prefix: str) -> None:
        self.server = make_url(server_url)
        self.prefix = prefix
        self._engine = create_engine(self.server, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def create(self, *, migrated: bool = True) -> str:
        """A new database; its address."""
        template = self._template() if migrated else "template0"
        name = f"{self.prefix}_{uuid.uuid4().hex[:12]}"
        with self._engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return self._url(name)

    def drop(self, url: str) -> None:
        """Drop it, whoever is still connected."""
        with self._engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)'))

    def drop_all(self) -> None:
        """Drop what this run made: for a server that is not ours to stop."""
        with self._engine.connect() as connection:
            names = connection.scalars(
                text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)"), {"prefix": self.prefix}
            )
            for name in names.all():
                connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def _template(self) -> str:
        """Made by the first worker that asks; the others wait for the advisory lock."""
        name = f"{self.prefix}_template"
        with self._engine.connect() as connection:
            if _exists(connection, name):
                return name
            connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
            if not _exists(connection, name):
                building = self.create(migrated=False)
                migrate(building)
                connection.execute(text(f'ALTER DATABASE "{make_url(building).database}" RENAME TO "{name}"'))
        return name

    def _url(self, name: str) -> str:
        return self.server.set(database=name).render_as_string(hide_password=False)


class SqliteDatabases:
    """Database files copied from one migrated file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"template-{os.getpid()}.db"

    def create(self, folder: Path, *, migrated: bool = True) -> str:
        """A new database file in the folder; its address."""
        target = folder / f"{uuid.uuid4().hex[:8]}.db"
        if migrated:
            shutil.copyfile(self._template(), target)
        return f"sqlite:///{target}"

    def _template(self) -> Path:
        if not self._file.exists():
            building = self._file.with_suffix(".building")
            migrate(f"sqlite:///{building}")
            with sqlite3.connect(building) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            building.rename(self._file)
        return self._file


def _exists(connection: Connection, name: str) -> bool:
    return bool(connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}))
