"""What the doctor looks at in the database itself: settings that lose data, tables that swell, room on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from taskhub.cli.findings import NOTE, OK, WRONG, Finding

if TYPE_CHECKING:
    from taskhub.db.tx import Tx

MIB = 1024 * 1024
LOW, FULL, BIG_WAL = 500 * MIB, 50 * MIB, 256 * MIB
SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum", "autovacuum_naptime", "track_counts")
DEAD_SHARE, DEAD_LEAST = 0.2, 10_000
LONG, BUSY = 60.0, 0.8
NAP = 15  # seconds: with the 60 of a fresh PostgreSQL a busy minute leaves more dead rows than a young table has rows


def version(tx: Tx) -> str:
    """The database and its version, in words."""
    from taskhub.cli import queries

    return f"{'SQLite' if tx.lite else 'PostgreSQL'} {queries.server_version(tx)}"


def of_database(tx: Tx, url: str) -> Iterator[Finding]:
    """How the database is kept."""
    if tx.lite:
        yield _file(Path(url.removeprefix("sqlite:///")))
        return
    yield _settings(tx)
    yield _bloat(tx)
    yield _transactions(tx)
    yield _connections(tx)


def _file(path: Path) -> Finding:
    free, size = shutil.disk_usage(path.parent).free, path.stat().st_size
    wal = path.with_name(f"{path.name}-wal")
    log = wal.stat().st_size if wal.exists() else 0
    said = f"{size // MIB} MiB, {free // MIB} MiB free"
    if free < LOW:
        todo = "make room, or move to PostgreSQL with `taskhub db copy`"
        return Finding("disk", WRONG if free < FULL else NOTE, said, todo)
    if log > BIG_WAL:
        return Finding(
            "disk", NOTE, f"{said}; its log has {log // MIB} MiB", "a reader has been open for long: restart it"
        )
    return Finding("disk", OK, said)


def _settings(tx: Tx) -> Finding:
    from taskhub.cli import queries

    found = queries.settings(tx, SETTINGS)
    off = [name for name, value in found.items() if value == "off"]
    if {"fsync", "full_page_writes", "synchronous_commit"} & set(off):
        return Finding(
            "settings", WRONG, f"{', '.join(off)} is off", "switch it on: a crash would lose what was promised"
        )
    if off:
        return Finding("settings", WRONG, f"{', '.join(off)} is off", "switch it on: the tables would swell for ever")
    nap = int(found["autovacuum_naptime"])
    if nap > NAP:
        said = f"durable; autovacuum looks only every {nap} s"
        return Finding("settings", NOTE, said, "set autovacuum_naptime = 10s: busy tables swell between two looks")
    return Finding("settings", OK, "durable, with autovacuum")


def _bloat(tx: Tx) -> Finding:
    from taskhub.cli import queries

    swollen = [
        f"{table} has {dead} dead beside {live} live rows (last vacuum: {when:%Y-%m-%d %H:%M}Z)" if when else
        f"{table} has {dead} dead beside {live} live rows (never vacuumed)"
        for table, live, dead, when in queries.dead_tuples(tx)
        if dead > DEAD_LEAST and dead > DEAD_SHARE * (live + dead)
    ]  # fmt: skip
    if swollen:
        todo = "end long transactions, then VACUUM these tables; let autovacuum come more often"
        return Finding("bloat", NOTE, "; ".join(swollen), todo)
    return Finding("bloat", OK, "no table holds many dead rows")


def _transactions(tx: Tx) -> Finding:
    from taskhub.cli import queries

    pid, age = queries.oldest_transaction(tx)
    if age > LONG:
        said = f"process {pid} has had a transaction open for {age:.0f} s"
        todo = "find out whose it is (pg_stat_activity); while it is open nothing is vacuumed and no new row is sealed"
        return Finding("transactions", NOTE, said, todo)
    return Finding("transactions", OK, f"the oldest has been open for {age:.0f} s")


def _connections(tx: Tx) -> Finding:
    from taskhub.cli import queries

    used, most = queries.connections(tx)
    said = f"{used} of {most} are used"
    if used > BUSY * most:
        return Finding("connections", NOTE, said, "raise max_connections, or lower TASKHUB_POOL and TASKHUB_THREADS")
    return Finding("connections", OK, said)
