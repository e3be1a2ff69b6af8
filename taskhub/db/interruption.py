"""Which failures say nothing about the work: the database was busy, or not there."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from taskhub.errors import Unavailable

# PostgreSQL: lost connections, rollbacks forced by others, resources used up, shut down, a standby after a failover.
CLASSES = ("08", "40", "53")
# So is one whose transaction was ended because this process stood still in the middle of it (25P03, 25P04).
STATES = ("25006", "25P03", "25P04", "55P03", "57P01", "57P02", "57P03", "57P05")
LITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


class Interrupted(Unavailable):
    """The database could not do it now. Unless the commit itself was cut, nothing was written.

    ``lost``: the connection is gone or there was none; otherwise trying again at once is reasonable.
    """

    def __init__(self, message: str, *, lost: bool, retry_after: float = 1.0) -> None:
        super().__init__(message, retry_after=retry_after)
        self.lost = lost


def interruption(error: Exception) -> Interrupted | None:
    """The error as an interruption; None when it is the work's own fault."""
    if isinstance(error, PoolTimeout):
        return Interrupted("Every database connection is in use. Try again.", lost=True)
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        name = getattr(error.orig, "sqlite_errorname", "")
        return Interrupted("The database file is busy. Try again.", lost=True) if name.startswith(LITE) else None
    return _postgres(error)


def _postgres(error: DBAPIError) -> Interrupted | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is None and (error.connection_invalidated or type(error.orig).__name__ == "OperationalError"):
        return Interrupted("The database does not answer. Try again.", lost=True, retry_after=2)
    if state and (state.startswith(CLASSES) or state in STATES):
        lost = not state.startswith("40") and state != "55P03"
        return Interrupted("The database was busy with others. Try again.", lost=lost)
    return None
