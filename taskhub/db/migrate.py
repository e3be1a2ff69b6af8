"""Brings a database to the newest version of the tables, and says what is wrong with one that is not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from taskhub.db import engine
from taskhub.db.tables import metadata

HERE = Path(__file__).with_name("migrations")
LOCK = 0x7461736B  # one number for all processes that upgrade the same PostgreSQL database


def upgrade(url: str) -> None:
    """Creates or upgrades the tables in one transaction. Any number of processes may do so at once."""
    owner = engine.writer(url, 1)
    try:
        with owner.begin() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SET LOCAL lock_timeout = 0"))
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            command.upgrade(_config(conn), "head")
    finally:
        owner.dispose()


def behind(conn: Connection) -> str | None:
    """What to do when the tables are older than this version; None when they are not.

    A newer one is fine: while old and new code run side by side, the new has upgraded them already.
    """
    found = conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    earlier, head = _earlier()
    if not found or found[0] in earlier:
        at = found[0] if found else "nothing"
        return f"The tables are at {at} and should be at {head}. Run 'taskhub db upgrade'."
    return None


@cache
def _earlier() -> tuple[frozenset[str], str | None]:
    scripts = ScriptDirectory.from_config(_config())
    head = scripts.get_current_head()
    return frozenset(one.revision for one in scripts.walk_revisions()) - {head}, head


def check(url: str) -> list[str]:
    """What is wrong with the tables, in words; an empty list means that this version of taskhub can use them."""
    looker = engine.reader(url) or engine.writer(url, 1)
    try:
        with looker.connect() as conn:
            return _revision_problems(conn) or _table_problems(conn)
    except DBAPIError as error:
        return [f"The database does not answer: {error.orig}"]
    finally:
        looker.dispose()


def _config(conn: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config


def _revision_problems(conn: Connection) -> list[str]:
    scripts = ScriptDirectory.from_config(_config())
    current, head = MigrationContext.configure(conn).get_current_revision(), scripts.get_current_head()
    if current == head:
        return []
    if current is None:
        return ["The tables are missing. Run `taskhub db upgrade`."]
    try:
        scripts.get_revision(current)
    except CommandError:
        return [f"The tables are at {current}, which a newer taskhub made. Run that version, or restore a backup."]
    return [f"The tables are at {current} and should be at {head}. Run `taskhub db upgrade`."]


def _table_problems(conn: Connection) -> list[str]:
    context = MigrationContext.configure(conn, opts={"compare_type": False})
    return [f"The tables were changed by hand: {_words(change)}" for change in compare_metadata(context, metadata)]


def _words(change: Any) -> str:
    what, *rest = change if isinstance(change, tuple) else change[0]
    return f"{what.replace('_', ' ')} {' '.join(str(getattr(part, 'name', part)) for part in rest if part is not None)}"
