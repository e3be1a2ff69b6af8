"""Brings a database to the newest version of the tables, and says what is wrong with one that is not.

Old and new code run side by side during a deploy, so a newer version of the tables is no fault as long as nothing this
code needs is gone. A revision that takes something away (``contract = True``) notes its number, which says so.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from taskhub.db import engine
from taskhub.db.tables import counter, metadata
from taskhub.errors import InvalidInput

HERE = Path(__file__).with_name("migrations")
LOCK = 0x7461736B  # one number for all processes that upgrade the same PostgreSQL database
LOCK_MS = 1_000  # a step that waits longer for a table holds up everybody behind it: it lets them pass and comes again
TRIES = 60
PAUSE = 0.25
CONTRACT = "schema.contract"

log = logging.getLogger(__name__)


def upgrade(url: str) -> None:
    """Creates or upgrades the tables. Any number of processes may do so at once, while others work."""
    owner = engine.writer(url, 1, busy_ms=60_000)
    try:
        with owner.connect() as conn:
            _upgrade(conn)
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
            if (newer := _newer(conn)) is not None:
                return newer
            return _revision_problems(conn) or _table_problems(conn)
    except DBAPIError as error:
        return [f"The database does not answer: {error.orig}"]
    finally:
        looker.dispose()


def _upgrade(conn: Connection) -> None:
    if _is_newest(conn):
        return
    if (newer := _newer(conn)) is not None:
        _accept(newer)
    elif conn.dialect.name == "postgresql":
        _upgrade_beside_work(conn)
    else:
        with conn.begin():
            command.upgrade(_config(conn), "head")


def _upgrade_beside_work(conn: Connection) -> None:
    conn.execute(text(f"SET lock_timeout = {LOCK_MS}; SET statement_timeout = 0"))
    # Waiting inside the server would keep a snapshot, and the index that another process makes would wait for that.
    while not conn.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar():
        conn.commit()
        time.sleep(PAUSE)
    conn.commit()
    for left in reversed(range(TRIES)):
        try:
            command.upgrade(_config(conn), "head")
            conn.commit()
        except DBAPIError as error:
            conn.rollback()
            if getattr(error.orig, "sqlstate", None) != "55P03" or not left:
                raise
            time.sleep(PAUSE)
        else:
            return


def _accept(newer: list[str]) -> None:
    if newer:
        raise InvalidInput(newer[0])
    log.info("the tables are those of a newer version, which this one can use")


def _is_newest(conn: Connection) -> bool:
    current = MigrationContext.configure(conn).get_current_revision()
    conn.rollback()
    return current is not None and current == _earlier()[1]


def _config(conn: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config


def _newer(conn: Connection) -> list[str] | None:
    """Problems with tables of a newer version, of which there may be none; None: they are not newer."""
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(conn).get_current_revision()
    conn.rollback()  # the upgrade begins its own transactions
    if current is None or current in {script.revision for script in scripts.walk_revisions()}:
        return None
    taken = conn.execute(select(counter.c.value).where(counter.c.name == CONTRACT)).scalar()
    conn.rollback()
    if (taken or 0) <= int(scripts.get_current_head() or 0):
        return []
    return [f"The tables are at {current}, which a newer taskhub made. Run that version, or restore a backup."]


def _revision_problems(conn: Connection) -> list[str]:
    scripts = ScriptDirectory.from_config(_config())
    current, head = MigrationContext.configure(conn).get_current_revision(), scripts.get_current_head()
    if current == head:
        return []
    if current is None:
        return ["The tables are missing. Run `taskhub db upgrade`."]
    return [f"The tables are at {current} and should be at {head}. Run `taskhub db upgrade`."]


def _table_problems(conn: Connection) -> list[str]:
    context = MigrationContext.configure(conn, opts={"compare_type": False})
    return [f"The tables were changed by hand: {_words(change)}" for change in compare_metadata(context, metadata)]


def _words(change: Any) -> str:
    what, *rest = change if isinstance(change, tuple) else change[0]
    return f"{what.replace('_', ' ')} {' '.join(str(getattr(part, 'name', part)) for part in rest if part is not None)}"
