"""Which failures say nothing about the work: the database was busy, or not there."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from taskhub.db.patience import NoAnswer
from taskhub.errors import Unavailable

# PostgreSQL: lost connections, rollbacks forced by others, resources used up, shut down, a standby after a failover,
# its disk or its system out of order.
CLASSES = ("08", "40", "53", "58")
# So is one whose transaction was ended because this process stood still in the middle of it (25P03, 25P04).
STATES = ("25006", "25P03", "25P04", "55P03", "57P01", "57P02", "57P03", "57P05")
LITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")
UNREACHABLE = ("OperationalError", "ConnectionTimeout", "NoAnswer")
FULL = ("53100", "SQLITE_FULL")
REFUSED = ("28", "3D")  # at the door: a password that was changed, a database that is gone
NO_ROOM = "There is no room left on the database's disk. Nothing was written; it goes on by itself once there is room."


class Interrupted(Unavailable):
    """The database could not do it now. Unless the commit itself was cut, nothing was written.

    ``lost``: the connection is gone or there was none; otherwise trying again at once is reasonable.
    """

    def __init__(self, message: str, *, lost: bool, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(message, retry_after=retry_after, code=code)
        self.lost = lost


def _full() -> Interrupted:
    return Interrupted(NO_ROOM, lost=True, retry_after=30, code="storage_full")


def interruption(error: Exception) -> Interrupted | None:
    """The error as an interruption; None when it is the work's own fault."""
    if isinstance(error, PoolTimeout):
        return Interrupted("Every database connection is in use. Try again.", lost=True)
    if isinstance(error, NoAnswer):
        return Interrupted("The database does not answer. Try again.", lost=True, retry_after=2)
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _lite(getattr(error.orig, "sqlite_errorname", ""))
    return _postgres(error)


def _lite(name: str) -> Interrupted | None:
    if name in FULL:
        return _full()
    return Interrupted("The database file is busy. Try again.", lost=True) if name.startswith(LITE) else None


def _postgres(error: DBAPIError) -> Interrupted | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in FULL:
        return _full()
    if state is None and (error.connection_invalidated or type(error.orig).__name__ in UNREACHABLE):
        return Interrupted("The database does not answer. Try again.", lost=True, retry_after=2)
    if state and state.startswith(REFUSED):
        return Interrupted("The database refuses this process: its user, password or name.", lost=True, retry_after=5)
    if state and (state.startswith(CLASSES) or state in STATES):
        lost = not state.startswith("40") and state != "55P03"
        return Interrupted("The database was busy with others. Try again.", lost=lost)
    return None
