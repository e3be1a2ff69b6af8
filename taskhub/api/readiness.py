"""Whether this process can serve, and what is not as it should be though it can: each with what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from taskhub.db import engine, migrate, sweep
from taskhub.db.tx import Tx
from taskhub.errors import TaskhubError
from taskhub.http.state import AppState

SWEPT = 30.0
MIB = 1024 * 1024
LOW, FULL = 500 * MIB, 50 * MIB
NO_POLICIES = "no policies are active yet; run 'taskhub config apply'"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing wrong. ``blocking``: no call should come here until it is right again."""

    name: str
    said: str
    blocking: bool = True


def troubles(state: AppState) -> Iterator[Trouble]:
    """Everything wrong now. A few small reads; nothing waits for Redis longer than a moment."""
    if state.stopping.is_set():
        yield Trouble("stopping", "the server is stopping")
    gone = _gone(state.database.url)
    if gone is not None:
        yield gone
    else:
        yield from _database(state)
        yield from disk(state.database.url)
    for blocking, checks in ((True, state.checks), (False, state.cautions)):
        for name, check in checks.items():
            said = check()
            if said is not None:
                yield Trouble(name, said, blocking)


def _gone(url: str) -> Trouble | None:
    """A SQLite file that is no longer there, though whoever has it open writes on, into nothing."""
    file = Path(url.removeprefix("sqlite:///"))
    if not engine.is_sqlite(url) or file.exists():
        return None
    return Trouble("database", f"{file} is gone: what is written now is lost; stop taskhub and put it back")


def _database(state: AppState) -> Iterator[Trouble]:
    try:
        with state.database.read() as tx:
            yield from _of_database(tx)
    except TaskhubError as error:
        yield Trouble("database", f"{error.message} 'taskhub doctor' says more.")


def _of_database(tx: Tx) -> Iterator[Trouble]:
    behind = migrate.behind(tx.conn)
    if behind is not None:
        yield Trouble("tables", behind)
    if not tx.policies.hash:
        yield Trouble("database", NO_POLICIES)
    at = sweep.last(tx.conn)
    if at is None or (tx.real_now - at).total_seconds() > SWEPT:
        since = "has ever looked" if at is None else f"has looked since {at:%Y-%m-%d %H:%M:%S}Z"
        yield Trouble("workers", f"no worker {since}: start 'taskhub worker'; until then nothing is handled", False)


def disk(url: str) -> Iterator[Trouble]:
    """Room on the disk of a SQLite file."""
    if not engine.is_sqlite(url):
        return
    try:
        free = shutil.disk_usage(Path(url.removeprefix("sqlite:///")).parent).free
    except OSError:
        return
    if free < LOW:
        said = f"{free // MIB} MiB are free on the disk of the database: make room, or move it with 'taskhub db copy'"
        yield Trouble("disk", said, free < FULL)
